import { customerOf, type Names, named, once } from './callers.ts';
import { type Answer, type CallOf, type Item, refused } from './calls.ts';
import { quote } from './quote.ts';
import {
  type Account,
  available,
  findAccount,
  moveStock,
  openAccount,
  post,
  recordEvent,
  type Shop,
} from './shop.ts';

/** DESIGN section 6, sources 003 and 004. */
export function placeOrder(shop: Shop, call: CallOf<'ledger_place_order'>, names: Names): Answer {
  const { args } = call;
  const { p_shipping_address_id: addressId, p_expected_total: expected } = args;
  const method = args.p_payment_method ?? 'wallet';
  const userId = customerOf(shop, call.actor, args.p_user_id, 'orders.place');
  const { p_idempotency_key: _key, p_user_id: _user, ...asked } = args;

  return once(shop, call, [userId, { ...asked, p_payment_method: method }], () => {
    if (userId === null) return refused('customer_required');
    if (addressId !== undefined && shop.addresses.get(addressId)?.userId !== userId) {
      return refused('address_not_found', { address_id: addressId });
    }
    const priced = quote(shop, userId, args);
    if ('kind' in priced) return priced;
    const { currency, code, totals } = priced;
    const { total } = totals;
    if (expected !== undefined && expected !== total) {
      return refused('price_changed', { total, expected });
    }
    if (!shop.people.has(userId)) return refused('customer_not_found', { user_id: userId });
    const payer = findAccount(shop, userId, currency);
    if (payer?.isFrozen) return refused('account_frozen');
    const goods = quantities(args.p_items);
    const shortage = refuseShortage(shop, goods);
    if (shortage) return shortage;
    const wallet = walletPart(shop, method, args.p_wallet_amount, total, payer);
    if (typeof wallet !== 'bigint') return wallet;

    const account = openAccount(shop, userId, currency);
    for (const [id, quantity] of goods) {
      const variant = shop.variants.get(id);
      if (variant) moveStock(shop, variant, -quantity);
    }
    account.orders += wallet;
    account.transactions += 1n;
    post(shop, currency, 'wallet', 'order_escrow', wallet);
    recordEvent(shop, 'order.placed');
    const isPaid = wallet === total;
    const { pricesIncludeTax } = shop.settings;
    const status = firstStatus(shop, isPaid);
    const paymentStatus = isPaid ? 'paid' : wallet > 0n ? 'partially_paid' : 'unpaid';
    const columns = {
      status,
      payment_status: paymentStatus,
      currency,
      total_amount: total,
      wallet_amount: wallet,
      amount_due: total - wallet,
      available_balance: available(account),
    };
    const answer = named(names, columns, 'transaction_id', 'order_id', 'order_number');
    const id = String(answer.columns.order_id);
    shop.orders.set(id, {
      id,
      userId,
      currency,
      status,
      history: [status],
      paymentStatus,
      pricesIncludeTax,
      totals,
      wallet,
      refunded: 0n,
      code,
      holdsRedemption: code !== null,
      goods,
    });
    return answer;
  });
}

/** The settings' status (source 004), which an unpaid order does not skip the payment for. */
function firstStatus(shop: Shop, isPaid: boolean): string {
  const { autoConfirmWhenPaid, defaultOrderStatus } = shop.settings;
  if (!isPaid) return 'pending';
  return defaultOrderStatus === 'pending' && autoConfirmWhenPaid ? 'confirmed' : defaultOrderStatus;
}

/** Lines of the same variant count together, or the second one oversells. */
function quantities(items: readonly Item[]): Map<string, bigint> {
  const goods = new Map<string, bigint>();
  for (const item of items) {
    goods.set(item.variant_id, (goods.get(item.variant_id) ?? 0n) + BigInt(item.quantity));
  }
  return goods;
}

function refuseShortage(shop: Shop, goods: Map<string, bigint>): Answer | null {
  for (const [id, requested] of goods) {
    const onHand = shop.variants.get(id)?.onHand ?? 0n;
    if (onHand < requested) {
      return refused('insufficient_stock', { variant_id: id, available: onHand, requested });
    }
  }
  return null;
}

/** What the wallet pays with this method (DESIGN section 7), or the refusal. */
function walletPart(
  shop: Shop,
  method: string,
  asked: bigint | undefined,
  total: bigint,
  payer: Account | undefined,
): bigint | Answer {
  const funds = available(payer);
  const spendable = funds > 0n ? funds : 0n;
  if (!shop.paymentMethods.has(method)) {
    return refused('payment_method_unavailable', { payment_method: method });
  }
  const outOfRange = asked !== undefined && (asked < 0n || asked > total);
  const doesNotFit =
    asked !== undefined &&
    ((method === 'bank_transfer' && asked !== 0n) || (method === 'wallet' && asked !== total));
  if (outOfRange || doesNotFit) {
    return refused('invalid_wallet_amount', { wallet_amount: asked ?? null });
  }
  if (method === 'bank_transfer') return 0n;
  if (method === 'wallet_partial' && asked === undefined) {
    return spendable < total ? spendable : total;
  }
  const required = asked ?? total;
  return required > spendable
    ? refused('insufficient_funds', { required, available: funds })
    : required;
}
