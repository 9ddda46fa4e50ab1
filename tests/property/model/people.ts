import { customerOf, type Names, named, once } from './callers.ts';
import { type Answer, type CallOf, refused, success } from './calls.ts';
import { recordEvent, type Shop } from './shop.ts';

/* Referrals (DESIGN section 5, source 003) and addresses. */

export function registerReferral(shop: Shop, call: CallOf<'ledger_register_referral'>): Answer {
  const { p_referral_code: code } = call.args;
  const userId = customerOf(shop, call.actor, call.args.p_user_id, 'orders.place');

  return once(shop, call, [userId, code], () => {
    if (userId === null) return refused('customer_required');
    if (!shop.people.has(userId)) return refused('customer_not_found', { user_id: userId });
    const wanted = code.trim().toUpperCase();
    const [referrer] =
      [...shop.people].find(([, { referralCode }]) => referralCode === wanted) ?? [];
    if (referrer === undefined) return refused('referral_code_not_found', { code });
    const hasOrdered = [...shop.orders.values()].some((order) => order.userId === userId);
    if (referrer === userId || shop.referrals.has(userId) || hasOrdered) {
      return refused('referral_not_allowed');
    }
    const rateBp = shop.settings.referralRateBp;
    shop.referrals.set(userId, { referrer, rateBp });
    recordEvent(shop, 'referral.registered');
    return success({ referrer_user_id: referrer, rate_bp: rateBp });
  });
}

export function saveAddress(shop: Shop, call: CallOf<'ledger_save_address'>, names: Names): Answer {
  const { p_address_id: changed, p_country: country } = call.args;
  const userId = customerOf(shop, call.actor, call.args.p_user_id, 'orders.place');
  const { p_idempotency_key: _key, p_user_id: _user, ...asked } = call.args;

  return once(shop, call, [userId, asked], () => {
    if (userId === null) return refused('customer_required');
    if (!shop.people.has(userId)) return refused('customer_not_found', { user_id: userId });
    if (!/^[A-Z]{2}$/i.test(country)) return refused('invalid_argument', { argument: 'p_country' });
    if (changed !== undefined && shop.addresses.get(changed)?.userId !== userId) {
      return refused('address_not_found', { address_id: changed });
    }
    if (changed !== undefined) return success({ address_id: changed });
    const answer = named(names, {}, 'address_id');
    shop.addresses.set(String(answer.columns.address_id), { userId });
    return answer;
  });
}

export function deleteAddress(shop: Shop, call: CallOf<'ledger_delete_address'>): Answer {
  const { p_address_id: id } = call.args;
  const userId = customerOf(shop, call.actor, call.args.p_user_id, 'orders.place');
  if (userId === null) return refused('customer_required');
  if (shop.addresses.get(id)?.userId !== userId) {
    return refused('address_not_found', { address_id: id });
  }
  shop.addresses.delete(id);
  return success({});
}
