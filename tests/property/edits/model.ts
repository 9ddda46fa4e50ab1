import {
  type BasketLine,
  type Discount,
  priceBasket,
  subtotalOf,
  type Totals,
} from '../model/pricing.ts';

/** An order that is edited, its customer's wallet and the shelf, in whole minor units and units. */
export interface Line extends BasketLine {
  number: number;
  variant: number;
}

export interface Shop {
  /** Of each variant, as the catalogue has it now. */
  prices: bigint[];
  taxRates: bigint[];
  stock: bigint[];
  pricesIncludeTax: boolean;
}

export interface Order {
  lines: Line[];
  /** The highest number that a line ever had. */
  lastNumber: number;
  discount: (Discount & { minimum: bigint }) | null;
  shipping: bigint;
  paidByWalletAlone: boolean;
  total: bigint;
  fromWallet: bigint;
  fromOutside: bigint;
  backToWallet: bigint;
  becameCredit: bigint;
  toPayOut: bigint;
  /** What the wallet has. */
  available: bigint;
}

export interface Edit {
  /** New quantities by line number; 0 removes. */
  changed: Map<number, bigint>;
  added: { variant: number; quantity: bigint }[];
  walletAmount: bigint | null;
  to: 'wallet' | 'original';
}

export type Edited = { refusal: string } | { taken: bigint; returned: bigint };

const larger = (a: bigint, b: bigint) => (a > b ? a : b);
const smaller = (a: bigint, b: bigint) => (a < b ? a : b);

export const held = (order: Order) =>
  order.fromWallet + order.fromOutside - order.backToWallet - order.becameCredit - order.toPayOut;

export const due = (order: Order) => larger(order.total - held(order), 0n);

/** The totals of these lines; a discount whose minimum is not met is none. */
export function priceLines(shop: Shop, order: Order, lines: Line[]): Totals {
  const discount = keepsDiscount(order, lines) ? order.discount : null;
  const { shipping } = order;
  return priceBasket({ lines, discount, shipping, pricesIncludeTax: shop.pricesIncludeTax });
}

const keepsDiscount = ({ discount }: Order, lines: Line[]) =>
  discount !== null && subtotalOf(lines) >= discount.minimum;

function linesAfter(shop: Shop, order: Order, edit: Edit): Line[] {
  const kept = order.lines
    .map((line) => ({ ...line, quantity: edit.changed.get(line.number) ?? line.quantity }))
    .filter(({ quantity }) => quantity > 0n);
  const added = edit.added.map(({ variant, quantity }, index) => ({
    number: order.lastNumber + 1 + index,
    variant,
    quantity,
    price: shop.prices[variant] ?? 0n,
    taxRateBp: shop.taxRates[variant] ?? 0n,
  }));
  return [...kept, ...added];
}

const unitsOf = (lines: Line[], variant: number) =>
  lines.reduce((units, line) => (line.variant === variant ? units + line.quantity : units), 0n);

/** What an edit comes to; carried out in shop and order unless it is refused. */
export function applyEdit(shop: Shop, order: Order, edit: Edit): Edited {
  const lines = linesAfter(shop, order, edit);
  if (lines.length === 0) return { refusal: 'empty_order' };
  const { total } = priceLines(shop, order, lines);
  const stock = shop.stock.map(
    (units, variant) => units + unitsOf(order.lines, variant) - unitsOf(lines, variant),
  );
  if (stock.some((units) => units < 0n)) return { refusal: 'insufficient_stock' };

  const owed = larger(total - held(order), 0n);
  const taken = edit.walletAmount ?? (order.paidByWalletAlone ? owed : 0n);
  if (taken > owed || (order.paidByWalletAlone && taken !== owed)) {
    return { refusal: 'invalid_wallet_amount' };
  }
  if (taken > larger(order.available, 0n)) return { refusal: 'insufficient_funds' };
  const returned = larger(held(order) - total, 0n);
  const toWallet = smaller(returned, order.fromWallet - order.backToWallet);

  order.discount = keepsDiscount(order, lines) ? order.discount : null;
  order.lines = lines;
  order.lastNumber += edit.added.length;
  order.total = total;
  order.fromWallet += taken;
  order.backToWallet += toWallet;
  if (edit.to === 'wallet') order.becameCredit += returned - toWallet;
  else order.toPayOut += returned - toWallet;
  order.available += toWallet - taken + (edit.to === 'wallet' ? returned - toWallet : 0n);
  shop.stock = stock;
  return { taken, returned };
}

/** Money from outside: what the order needs, the rest is credit. */
export function applyPayment(order: Order, amount: bigint): void {
  const applied = smaller(amount, due(order));
  order.fromOutside += applied;
  order.available += amount - applied;
}
