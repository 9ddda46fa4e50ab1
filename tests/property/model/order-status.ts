import {
  customerOf,
  hasPermission,
  type Names,
  named,
  once,
  requireCaller,
  requirePermission,
} from './callers.ts';
import { type Answer, type CallOf, refused, type Success } from './calls.ts';
import { halfUp, LARGEST_AMOUNT } from './pricing.ts';
import {
  available,
  findAccount,
  moveStock,
  type Order,
  openAccount,
  pairOf,
  post,
  recordEvent,
  type Shop,
} from './shop.ts';

/* Moving and cancelling orders: DESIGN sections 5 and 6, sources 003 and 004. */

const STATUSES = [
  'pending',
  'confirmed',
  'processing',
  'shipped',
  'delivered',
  'rejected',
  'cancelled',
  'refunded',
];

/** The transitions as shipped (DESIGN section 6). Every step forward needs the money first, but what went out arrives. */
export const TRANSITIONS: Record<
  string,
  { permission: string; needsPayment: boolean; customerMay: boolean }
> = {
  ...steps('orders.confirm', true, 'pending/confirmed'),
  ...steps('orders.process', true, 'pending/processing', 'confirmed/processing'),
  ...steps('orders.ship', true, 'processing/shipped'),
  ...steps('orders.deliver', true, 'processing/delivered'),
  ...steps('orders.deliver', false, 'shipped/delivered'),
  ...steps('orders.reject', false, 'pending/rejected'),
  ...steps('orders.cancel', false, 'processing/cancelled', 'shipped/cancelled'),
  ...steps('orders.cancel_delivered', false, 'delivered/cancelled'),
  ...steps('orders.refund', false, 'delivered/refunded'),
  ...steps(
    'orders.cancel',
    false,
    'pending/cancelled',
    'confirmed/cancelled',
    'rejected/cancelled',
  ),
};
for (const own of ['pending/cancelled', 'confirmed/cancelled', 'rejected/cancelled']) {
  const step = TRANSITIONS[own];
  if (step) step.customerMay = true;
}

function steps(permission: string, needsPayment: boolean, ...pairs: string[]) {
  return Object.fromEntries(
    pairs.map((pair) => [pair, { permission, needsPayment, customerMay: false }]),
  );
}

function refuseTransition(order: Order, to: string): Answer | null {
  const step = TRANSITIONS[pairOf(order.status, to)];
  if (!step) return refused('invalid_transition', { from: order.status, to });
  if (step.needsPayment && order.paymentStatus !== 'paid') {
    return refused('payment_required', { to, due: order.totals.total - order.wallet });
  }
  return null;
}

export function changeOrderStatus(
  shop: Shop,
  call: CallOf<'ledger_change_order_status'>,
  names: Names,
): Answer {
  const { args } = call;
  const from = args.p_old_status.trim().toLowerCase();
  const to = args.p_new_status.trim().toLowerCase();
  requireCaller(call.actor, args.p_actor_id);
  requirePermission(shop, call.actor, 'orders.read');

  const { p_idempotency_key: _key, ...asked } = args;
  return once(shop, call, [{ ...asked, p_old_status: from, p_new_status: to }], () => {
    const order = shop.orders.get(args.p_reference_id);
    if (order?.userId !== args.p_user_id) {
      return refused('order_not_found', { order_id: args.p_reference_id });
    }
    const permission = TRANSITIONS[pairOf(order.status, to)]?.permission;
    if (permission !== undefined) requirePermission(shop, call.actor, permission);
    if (!STATUSES.includes(from) || !STATUSES.includes(to)) return refused('unknown_status');
    if (from !== order.status) {
      return refused('status_conflict', { status: order.status, expected: from });
    }
    if (args.p_amount !== order.totals.total) {
      return refused('amount_mismatch', { total: order.totals.total });
    }
    const problem = refuseTransition(order, to) ?? refuseOverflow(shop, order, to);
    if (problem) return problem;
    const moved = moveOrder(shop, order, to, args.p_metadata?.restock, names);
    // Who moves goods does not learn what the customer has.
    if (!hasPermission(shop, call.actor, 'accounts.read')) moved.columns.available_balance = null;
    return moved;
  });
}

export function cancelOrder(shop: Shop, call: CallOf<'ledger_cancel_order'>, names: Names): Answer {
  const { p_order_id: id, p_reason: reason } = call.args;
  const userId = customerOf(shop, call.actor, call.args.p_user_id, 'orders.cancel');

  return once(shop, call, [userId, id, reason], () => {
    if (userId === null) return refused('customer_required');
    const order = shop.orders.get(id);
    if (order?.userId !== userId) return refused('order_not_found', { order_id: id });
    const problem = refuseTransition(order, 'cancelled');
    if (problem) return problem;
    const step = TRANSITIONS[pairOf(order.status, 'cancelled')];
    if (!step?.customerMay || shop.settings.cancellationWindowMinutes === 0n) {
      return refused('cancellation_not_allowed');
    }
    return moveOrder(shop, order, 'cancelled', undefined, names);
  });
}

/** A commission that the referrer's account cannot hold exactly is refused before anything moves. */
function refuseOverflow(shop: Shop, order: Order, to: string): Answer | null {
  const commission = to === 'delivered' ? commissionOn(shop, order) : null;
  if (!commission) return null;
  const earned = findAccount(shop, commission.referrer, order.currency)?.earned ?? 0n;
  return earned + commission.amount > LARGEST_AMOUNT ? refused('amount_too_large') : null;
}

/** Goods of an ended order come back, unless they were delivered; who ends it may say otherwise. */
function goodsReturn(order: Order, to: string, restock: boolean | undefined): boolean {
  return isEnd(to) && (restock ?? order.status !== 'delivered');
}

function isEnd(status: string): boolean {
  return status === 'cancelled' || status === 'refunded';
}

function moveOrder(
  shop: Shop,
  order: Order,
  to: string,
  restock: boolean | undefined,
  names: Names,
): Success {
  const { currency } = order;
  const wasDelivered = order.status === 'delivered';
  const account = openAccount(shop, order.userId, currency);
  const returned = isEnd(to) ? order.wallet - order.refunded : 0n;

  if (goodsReturn(order, to, restock)) {
    for (const [id, quantity] of order.goods) {
      const variant = shop.variants.get(id);
      if (variant) moveStock(shop, variant, quantity);
    }
  }
  // A delivered order has used its code up, also when it is taken back later.
  if (isEnd(to) && !wasDelivered) order.holdsRedemption = false;
  if (to === 'delivered') recognise(shop, order, 1n);
  if (isEnd(to) && wasDelivered) recognise(shop, order, -1n);
  post(shop, currency, 'order_escrow', 'wallet', returned);

  account.orders -= returned;
  account.transactions += 1n;
  // what is left of it goes out in one parcel, and a parcel under way has arrived
  const underWay = order.status === 'shipped';
  if ((to === 'shipped' || to === 'delivered') && !underWay) {
    recordEvent(shop, 'order.shipment_created');
  }
  if (to === 'delivered' && underWay) recordEvent(shop, 'order.shipment_delivered');
  recordEvent(shop, 'order.status_changed');
  if (isEnd(to) && order.wallet > 0n) order.paymentStatus = 'refunded';
  order.refunded += returned;
  order.status = to;
  order.history.push(to);

  if (to === 'delivered') awardCommission(shop, order);
  else if (wasDelivered) clawBackCommission(shop, order.id);
  const columns = {
    order_id: order.id,
    order_status: to,
    payment_status: order.paymentStatus,
    returned_amount: returned,
    available_balance: available(account),
  };
  return named(names, columns, 'transaction_id');
}

/** Delivery moves what was held to revenue, tax and shipping income; the discount shows beside. */
function recognise(shop: Shop, order: Order, sign: 1n | -1n): void {
  const { currency, totals } = order;
  const goods = totals.total - totals.tax - totals.shipping;
  post(shop, currency, 'receivable', 'order_escrow', sign * (totals.total - order.wallet));
  post(shop, currency, 'order_escrow', 'revenue', sign * goods);
  post(shop, currency, 'order_escrow', 'tax_payable', sign * totals.tax);
  post(shop, currency, 'order_escrow', 'shipping_income', sign * totals.shipping);
  post(shop, currency, 'discounts', 'revenue', sign * totals.discount);
}

/** The referrer's share of the goods after discount, without tax and shipping (source 003). */
function commissionOn(shop: Shop, order: Order) {
  const referral = shop.referrals.get(order.userId);
  if (!referral) return null;
  const { subtotal, discount, tax } = order.totals;
  const base = subtotal - discount - (order.pricesIncludeTax ? tax : 0n);
  return { referrer: referral.referrer, base, amount: halfUp(base * referral.rateBp, 10_000n) };
}

function awardCommission(shop: Shop, order: Order): void {
  const commission = commissionOn(shop, order);
  if (!commission || commission.amount === 0n) return;
  const { referrer, base, amount } = commission;
  const account = openAccount(shop, referrer, order.currency);
  account.earned += amount;
  account.transactions += 1n;
  post(shop, order.currency, 'commission_expense', 'wallet', amount);
  recordEvent(shop, 'commission.earned');
  const { currency } = order;
  shop.commissions.set(order.id, { referrer, currency, base, amount, clawedBack: 0n });
}

function clawBackCommission(shop: Shop, orderId: string): void {
  const commission = shop.commissions.get(orderId);
  if (!commission) return;
  const { referrer, currency, amount } = commission;
  const account = openAccount(shop, referrer, currency);
  account.earned -= amount;
  account.transactions += 1n;
  commission.clawedBack = amount;
  post(shop, currency, 'wallet', 'commission_expense', amount);
  recordEvent(shop, 'commission.clawed_back');
}
