import { randomUUID } from 'node:crypto';
import type { Intent } from './intents.ts';
import type { Knowledge } from './knowledge.ts';
import type { Actor, Arguments, Call, Item, Procedure } from './model/calls.ts';
import { TRANSITIONS } from './model/order-status.ts';
import { quote } from './model/quote.ts';
import type { Customer, Who, World } from './world.ts';

type Wish = Exclude<Intent, { kind: 'edit' }>;

/** An intent as a call with everything filled in from what is known now; null when it is about nothing. */
export function resolve(wish: Wish, world: World, known: Knowledge): Call | null {
  const { people } = world;
  switch (wish.kind) {
    case 'place': {
      const actor = actorOf(world, wish.caller.who);
      const forWhom = personOf(world, wish.caller.forWhom);
      const basket = basketOf(wish, world);
      const customer = forWhom ?? (typeof actor === 'string' ? null : actor.userId);
      const priced = quote(world.shop, customer, basket);
      const total = 'kind' in priced ? 1000n : priced.totals.total;
      return call('ledger_place_order', actor, {
        ...basket,
        p_payment_method: wish.payment.method,
        p_wallet_amount: walletPart(wish.payment.part, total),
        p_expected_total:
          wish.expected === 'none' ? undefined : wish.expected === 'right' ? total : total + 1n,
        p_shipping_address_id:
          wish.address === undefined ? undefined : at(known.addresses, wish.address)?.id,
        p_idempotency_key: keyOf(world, wish.key),
        p_user_id: forWhom,
      });
    }
    case 'quote':
      return call('order_quote', actorOf(world, wish.caller.who), {
        ...basketOf(wish, world),
        p_user_id: personOf(world, wish.caller.forWhom),
      });
    case 'cancel': {
      const order = find(known.orders, wish.order);
      if (!order) return null;
      const { caller } = wish;
      const isOwn = caller === 'owner of the order';
      return call('ledger_cancel_order', isOwn ? ownerOf(order) : actorOf(world, caller.who), {
        p_order_id: order.id,
        p_reason: undefined,
        p_idempotency_key: keyOf(world, wish.key),
        p_user_id: isOwn ? undefined : personOf(world, caller.forWhom),
      });
    }
    case 'change': {
      const order = find(known.orders, wish.order);
      if (!order) return null;
      const from = wish.from === 'present' ? order.status : wish.from;
      const to = typeof wish.to === 'number' ? nextStatus(order.status, wish.to) : wish.to;
      const customer = wish.customer === 'right' ? undefined : personOf(world, wish.customer);
      return call('ledger_change_order_status', actorOf(world, wish.who), {
        p_user_id: customer ?? order.userId,
        p_reference_id: order.id,
        p_old_status: from,
        p_new_status: wish.shouts ? to.toUpperCase() : to,
        p_amount: wish.amount === 'right' ? order.total : wish.amount,
        p_metadata: wish.restock === undefined ? undefined : { restock: wish.restock },
        p_actor_id: personOf(world, wish.onBehalf),
        p_idempotency_key: keyOf(world, wish.key),
      });
    }
    case 'credit':
      return call('ledger_credit_account', actorOf(world, wish.who), {
        p_user_id: personOf(world, wish.customer) ?? null,
        p_amount: wish.amount,
        p_type: wish.type,
        p_currency: wish.currency,
        p_idempotency_key: keyOf(world, wish.key),
        p_actor_id: personOf(world, wish.onBehalf),
      });
    case 'freeze':
      return call('ledger_freeze_account', actorOf(world, wish.who), {
        p_user_id: wish.customer === 'nobody' ? randomUUID() : people[wish.customer],
        p_frozen: wish.frozen,
        p_reason: wish.reason,
        p_currency: wish.currency,
        p_idempotency_key: keyOf(world, wish.key),
        p_actor_id: personOf(world, wish.onBehalf),
      });
    case 'withdraw':
      return call('ledger_request_withdrawal', actorOf(world, wish.caller.who), {
        p_amount: wish.amount,
        p_destination: wish.hasDestination ? { iban: 'DE02 1203 0000 0000 2020 51' } : {},
        p_currency: wish.currency,
        p_idempotency_key: keyOf(world, wish.key),
        p_user_id: personOf(world, wish.caller.forWhom),
      });
    case 'review': {
      const withdrawal = find(known.withdrawals, wish.withdrawal);
      if (!withdrawal) return null;
      return call('ledger_review_withdrawal', actorOf(world, wish.who), {
        p_withdrawal_id: withdrawal.id,
        p_decision: wish.decision,
        p_idempotency_key: keyOf(world, wish.key),
        p_actor_id: personOf(world, wish.onBehalf),
      });
    }
    case 'take back': {
      const withdrawal = find(known.withdrawals, wish.withdrawal);
      if (!withdrawal) return null;
      const { caller } = wish;
      const isOwn = caller === 'owner of the withdrawal';
      return call(
        'ledger_cancel_withdrawal',
        isOwn ? ownerOf(withdrawal) : actorOf(world, caller.who),
        {
          p_withdrawal_id: withdrawal.id,
          p_idempotency_key: keyOf(world, wish.key),
          p_user_id: isOwn ? undefined : personOf(world, caller.forWhom),
        },
      );
    }
    case 'refer':
      return call('ledger_register_referral', actorOf(world, wish.caller.who), {
        p_referral_code: referralCode(world, wish.by),
        p_idempotency_key: keyOf(world, wish.key),
        p_user_id: personOf(world, wish.caller.forWhom),
      });
    case 'stock':
      return call('ledger_adjust_stock', actorOf(world, wish.who), {
        p_variant_id: variantOf(world, wish.variant),
        p_quantity: wish.quantity,
        p_reason: wish.reason,
        p_idempotency_key: keyOf(world, wish.key),
        p_actor_id: personOf(world, wish.onBehalf),
      });
    case 'address':
      return call('ledger_save_address', actorOf(world, wish.caller.who), {
        p_recipient: 'Somebody',
        p_line1: 'Some street 1',
        p_city: 'Erbil',
        p_country: wish.country,
        p_address_id:
          wish.changes === undefined ? undefined : at(known.addresses, wish.changes)?.id,
        p_idempotency_key: keyOf(world, wish.key),
        p_user_id: personOf(world, wish.caller.forWhom),
      });
    case 'forget': {
      const address = at(known.addresses, wish.address);
      return call('ledger_delete_address', actorOf(world, wish.caller.who), {
        p_address_id: address?.id ?? randomUUID(),
        p_user_id: personOf(world, wish.caller.forWhom),
      });
    }
    case 'retry': {
      const earlier = at(known.calls, wish.call);
      if (!earlier) return null;
      return wish.who === undefined ? earlier : { ...earlier, actor: actorOf(world, wish.who) };
    }
  }
}

/** Arguments that are left out count as not given. */
function call<P extends Procedure>(
  procedure: P,
  actor: Actor,
  args: { [A in keyof Arguments[P]]: Arguments[P][A] | undefined },
): Call {
  const given = Object.entries(args).filter(([, value]) => value !== undefined);
  return { procedure, actor, args: Object.fromEntries(given) } as Call;
}

function actorOf(world: World, who: Who): Actor {
  if (who === 'anon' || who === 'service_role' || who === 'owner') return who;
  return { userId: world.people[who] };
}

function ownerOf(thing: { userId: string }): Actor {
  return { userId: thing.userId };
}

function personOf(world: World, name: Customer | 'nobody' | undefined): string | undefined {
  if (name === 'nobody') return randomUUID();
  return name === undefined ? undefined : world.people[name];
}

/** Backends share their keys, so a run has its own. */
function keyOf(world: World, key: string | undefined): string | undefined {
  return key ? `${key}-${world.tag}` : key;
}

function basketOf(
  wish: Extract<Wish, { kind: 'place' | 'quote' }>,
  world: World,
): { p_items: Item[]; p_shipping_method?: string; p_discount_code?: string } {
  const shipping = wish.ships === 'unknown' ? 'balloon' : world.shippingMethod;
  return {
    p_items: wish.items.map(({ variant, quantity }) => ({
      variant_id: variantOf(world, variant),
      quantity,
    })),
    ...(wish.ships === false ? {} : { p_shipping_method: shipping }),
    // Codes are read in any case.
    ...(wish.code === null ? {} : { p_discount_code: codeOf(world, wish.code).toLowerCase() }),
  };
}

function codeOf(world: World, code: number | 'unknown'): string {
  return code === 'unknown' ? 'NO SUCH CODE' : (world.codes[code % world.codes.length] ?? '');
}

function variantOf(world: World, variant: number | 'unknown' | 'bad'): string {
  if (variant === 'unknown') return randomUUID();
  return variant === 'bad' ? 'a mug' : (world.variants[variant % world.variants.length] ?? '');
}

function referralCode(world: World, by: Customer | 'nobody'): string {
  if (by === 'nobody') return 'NO SUCH CODE';
  const code = world.shop.people.get(world.people[by])?.referralCode ?? '';
  return ` ${code.toLowerCase()}`;
}

function walletPart(
  part: 'none' | 'zero' | 'half' | 'all' | 'more',
  total: bigint,
): bigint | undefined {
  const parts = { none: undefined, zero: 0n, half: total / 2n, all: total, more: total + 1n };
  return parts[part];
}

function nextStatus(from: string, choice: number): string {
  const next = Object.keys(TRANSITIONS)
    .filter((pair) => pair.startsWith(`${from}/`))
    .map((pair) => pair.slice(from.length + 1));
  return next[choice % next.length] ?? 'cancelled';
}

function find<T extends { id: string; userId: string }>(
  things: readonly T[],
  which: number | 'unknown',
): T | undefined {
  const found = at(things, which === 'unknown' ? 0 : which);
  return which === 'unknown' && found ? { ...found, id: randomUUID() } : found;
}

/** Round the list, and counted back from the newest. */
function at<T>(things: readonly T[], position: number): T | undefined {
  return things[things.length - 1 - (position % things.length)];
}
