/**
 * What a basket costs, in whole minor units: the totals arithmetic of source 004 with the roundings
 * of the design. Written against bigint, so nothing overflows before it is looked at.
 */

/** The largest amount that a JSON number carries exactly (DESIGN section 4, rule 1). */
export const LARGEST_AMOUNT = 2n ** 53n - 1n;

export interface BasketLine {
  price: bigint;
  quantity: bigint;
  taxRateBp: bigint;
}

export type Discount = { kind: 'percent'; percentBp: bigint } | { kind: 'fixed'; amount: bigint };

export interface Basket {
  lines: readonly BasketLine[];
  discount: Discount | null;
  shipping: bigint;
  pricesIncludeTax: boolean;
}

export interface PricedLine {
  total: bigint;
  discount: bigint;
  tax: bigint;
}

export interface Totals {
  subtotal: bigint;
  discount: bigint;
  shipping: bigint;
  tax: bigint;
  total: bigint;
  lines: PricedLine[];
}

export function halfUp(dividend: bigint, divisor: bigint): bigint {
  const whole = dividend / divisor;
  return 2n * (dividend % divisor) >= divisor ? whole + 1n : whole;
}

export function sum(amounts: Iterable<bigint>): bigint {
  let total = 0n;
  for (const amount of amounts) total += amount;
  return total;
}

export function subtotalOf(lines: readonly BasketLine[]): bigint {
  return sum(lines.map((line) => line.price * line.quantity));
}

/** The totals, whatever their size. */
export function priceBasket(basket: Basket): Totals {
  const subtotal = subtotalOf(basket.lines);
  const discount = discountOn(subtotal, basket.discount);
  const lines: PricedLine[] = [];
  let goodsSoFar = 0n;
  let sharedSoFar = 0n;
  for (const line of basket.lines) {
    const total = line.price * line.quantity;
    goodsSoFar += total;
    // What the lines up to this one have of the discount, rounded down: the last one ends at all of it.
    const shared = subtotal === 0n ? 0n : (discount * goodsSoFar) / subtotal;
    const share = shared - sharedSoFar;
    sharedSoFar = shared;
    const divisor = 10_000n + (basket.pricesIncludeTax ? line.taxRateBp : 0n);
    const tax = halfUp((total - share) * line.taxRateBp, divisor);
    lines.push({ total, discount: share, tax });
  }
  const tax = sum(lines.map((line) => line.tax));
  const total = subtotal - discount + basket.shipping + (basket.pricesIncludeTax ? 0n : tax);
  return { subtotal, discount, shipping: basket.shipping, tax, total, lines };
}

/** Whether an amount of the order is beyond what can be kept exactly. */
export function isTooLarge(totals: Totals): boolean {
  return [totals.subtotal, totals.shipping, totals.tax, totals.total].some(
    (amount) => amount > LARGEST_AMOUNT,
  );
}

function discountOn(subtotal: bigint, discount: Discount | null): bigint {
  if (discount === null) return 0n;
  if (discount.kind === 'percent') return halfUp(subtotal * discount.percentBp, 10_000n);
  return discount.amount < subtotal ? discount.amount : subtotal;
}
