import { halfUp, sum } from '../model/pricing.ts';

/**
 * What is taken back of an order and the money that follows from it, reckoned anew from everything
 * that was taken back so far: how it came to that does not matter.
 */

export interface Line {
  quantity: bigint;
  price: bigint;
  discount: bigint;
  tax: bigint;
}

export type Destination = 'wallet' | 'original';

export interface OrderState {
  lines: Line[];
  pricesIncludeTax: boolean;
  shipping: bigint;
  total: bigint;
  status: string;
  shipped: bigint[];
  /** Of what was shipped, in parcels that have arrived. */
  arrived: bigint[];
  refunded: bigint[];
  /** Of what was refunded, what was not shipped and will not be. */
  givenUp: bigint[];
  /** Of what was refunded, what was shipped and did not come back through a return. */
  kept: bigint[];
  /** In stock again. */
  back: bigint[];
  /** Came back through a return and is not refunded yet. */
  waiting: bigint[];
  shippingRefunded: bigint;
  allowance: bigint;
  paidByWallet: bigint;
  paidFromOutside: bigint;
  backToWallet: bigint;
  becameCredit: bigint;
  toPayOut: bigint;
}

/** What the first units of a line cost the customer. */
export function costOfUnits(order: OrderState, line: Line, units: bigint): bigint {
  const net = line.price * units - (line.discount * units) / line.quantity;
  if (order.pricesIncludeTax) return net;
  const whole = line.price * line.quantity - line.discount;
  return net + (whole === 0n ? 0n : halfUp(line.tax * net, whole));
}

const atLeastNone = (units: bigint) => (units > 0n ? units : 0n);
const least = (one: bigint, other: bigint) => (one < other ? one : other);

const costOfLines = (order: OrderState) =>
  sum(order.lines.map((line, at) => costOfUnits(order, line, order.refunded[at] ?? 0n)));

export const credited = (order: OrderState) =>
  costOfLines(order) + order.shippingRefunded + order.allowance;

const paid = (order: OrderState) => order.paidByWallet + order.paidFromOutside;

const refundedMoney = (order: OrderState) =>
  order.backToWallet + order.becameCredit + order.toPayOut;

export const outstanding = (order: OrderState) =>
  order.total - credited(order) - paid(order) + refundedMoney(order);

export interface Wish {
  units: bigint[];
  unshipped: boolean[];
  shipping: bigint;
  amount: bigint;
}

/** Units of a line that have not gone out and can. */
export const toBeShipped = ({ lines, shipped, givenUp }: OrderState, at: number) =>
  (lines[at]?.quantity ?? 0n) - (shipped[at] ?? 0n) - (givenUp[at] ?? 0n);

/** Units of a line that have gone out and whose money has not gone back. */
export const notRefunded = ({ shipped, refunded, givenUp }: OrderState, at: number) =>
  (shipped[at] ?? 0n) - (refunded[at] ?? 0n) + (givenUp[at] ?? 0n);

/** The code with which a refund is refused, or nothing. */
export function refusal(order: OrderState, wish: Wish): string | undefined {
  if (!['confirmed', 'processing', 'shipped', 'delivered'].includes(order.status)) {
    return 'refund_not_allowed';
  }
  const nothing = wish.units.every((units) => units === 0n) && wish.shipping + wish.amount === 0n;
  if (nothing) return 'nothing_to_refund';
  const tooMany = wish.units.some(
    (units, at) => units > (wish.unshipped[at] ? toBeShipped(order, at) : notRefunded(order, at)),
  );
  if (tooMany) return 'units_not_refundable';
  const after = withUnits(order, wish.units);
  const left = order.total - (costOfLines(after) + order.shippingRefunded + order.allowance);
  if (wish.shipping > order.shipping - order.shippingRefunded) return 'refund_exceeds_paid';
  const free = left - wish.shipping;
  if (wish.amount > (free > 0n ? free : 0n)) return 'refund_exceeds_paid';
  if (wish.shipping + wish.amount > paid(order) - refundedMoney(order)) {
    return 'refund_exceeds_paid';
  }
  return undefined;
}

function withUnits(order: OrderState, units: bigint[]): OrderState {
  return { ...order, refunded: order.refunded.map((before, at) => before + (units[at] ?? 0n)) };
}

/** The order after a refund that is not refused, or after its ending. */
export function takeBack(order: OrderState, wish: Wish, to: Destination): OrderState {
  const after = withUnits(order, wish.units);
  const shipped = wish.units.map((units, at) => (wish.unshipped[at] ? 0n : units));
  after.givenUp = order.givenUp.map(
    (before, at) => before + (wish.units[at] ?? 0n) - (shipped[at] ?? 0n),
  );
  after.waiting = order.waiting.map((units, at) => atLeastNone(units - (shipped[at] ?? 0n)));
  after.kept = order.kept.map(
    (before, at) => before + atLeastNone((shipped[at] ?? 0n) - (order.waiting[at] ?? 0n)),
  );
  after.shippingRefunded = order.shippingRefunded + wish.shipping;
  // what units bring back takes the place of what was allowed for them
  const most = order.total - costOfLines(after) - after.shippingRefunded;
  const allowance = order.allowance + wish.amount;
  after.allowance = least(allowance, most);
  const surplus = -outstanding(after);
  if (surplus > 0n) {
    const ofWallet = after.paidByWallet - after.backToWallet;
    const wallet = least(surplus, ofWallet);
    after.backToWallet += wallet;
    if (to === 'wallet') after.becameCredit += surplus - wallet;
    else after.toPayOut += surplus - wallet;
  }
  const unitsLeft = after.lines.some(({ quantity }, at) => quantity > (after.refunded[at] ?? 0n));
  const nothingLeft = credited(after) === after.total && (after.allowance > 0n || !unitsLeft);
  if (after.status === 'delivered' && nothingLeft) after.status = 'refunded';
  return after;
}

/** The stock after a refund: what was not shipped is in it, what was goes there when somebody says so. */
export function backAfter(order: OrderState, wish: Wish, restock: boolean): bigint[] {
  return order.back.map((before, at) => {
    const units = wish.units[at] ?? 0n;
    if (wish.unshipped[at]) return before + units;
    return before + (restock ? atLeastNone(units - (order.waiting[at] ?? 0n)) : 0n);
  });
}

/** The order at its end; restock undefined is that nobody said whether its goods come back. */
export function end(
  order: OrderState,
  status: string,
  to: Destination,
  restock: boolean | undefined,
): OrderState {
  const units = order.lines.map((line, at) => line.quantity - (order.refunded[at] ?? 0n));
  const rest = { units, unshipped: [], shipping: order.shipping - order.shippingRefunded };
  const back = order.back.map((before, at) => {
    const outside = notRefunded(order, at) - (order.waiting[at] ?? 0n);
    const underWay = (order.shipped[at] ?? 0n) - (order.arrived[at] ?? 0n) - (order.kept[at] ?? 0n);
    const turnsRound = restock ? outside : least(outside, atLeastNone(underWay));
    return before + (restock === false ? 0n : toBeShipped(order, at) + turnsRound);
  });
  return { ...takeBack(order, { ...rest, amount: 0n }, to), status, back };
}

export function paymentStatus(order: OrderState): string {
  const [cost, held] = [order.total - credited(order), paid(order) - refundedMoney(order)];
  if (cost === 0n && paid(order) > 0n && held === 0n) return 'refunded';
  if (credited(order) > 0n && refundedMoney(order) > 0n) return 'partially_refunded';
  if (order.total > 0n && held === 0n && (cost > 0n || paid(order) === 0n)) return 'unpaid';
  if (held < cost) return 'partially_paid';
  return held > cost ? 'overpaid' : 'paid';
}
