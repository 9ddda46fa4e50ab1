import type { Success } from './calls.ts';
import type { Discount, Totals } from './pricing.ts';

/** The whole state of a shop as plain data: what the database should hold after the same calls. */
export interface Shop {
  /** Everybody who signed up: referral code, and the permissions of their roles. */
  people: Map<string, { referralCode: string; permissions: ReadonlySet<string> }>;
  settings: Settings;
  paymentMethods: Set<string>;
  /** By code and currency. */
  shippingMethods: Map<string, bigint>;
  variants: Map<string, Variant>;
  discountCodes: Map<string, DiscountCode>;
  /** By user and currency. */
  accounts: Map<string, Account>;
  orders: Map<string, Order>;
  withdrawals: Map<string, Withdrawal>;
  addresses: Map<string, { userId: string }>;
  /** By referee. */
  referrals: Map<string, { referrer: string; rateBp: bigint }>;
  /** By order. */
  commissions: Map<string, Commission>;
  /** Debits minus credits by currency and account of the chart. */
  books: Map<string, bigint>;
  /** How many events of each type were recorded. */
  events: Map<string, bigint>;
  /** What was answered under an idempotency key. */
  answered: Map<string, { request: string; answer: Success }>;
}

export interface Settings {
  taxRateBp: bigint;
  pricesIncludeTax: boolean;
  autoConfirmWhenPaid: boolean;
  defaultOrderStatus: string;
  cancellationWindowMinutes: bigint;
  referralRateBp: bigint;
  lowStockThreshold: bigint;
}

export interface Variant {
  price: bigint;
  currency: string;
  /** Overrides the setting. */
  taxRateBp: bigint | null;
  isActive: boolean;
  onHand: bigint;
  movements: bigint;
  lowStockAlerts: bigint;
}

export interface DiscountCode {
  discount: Discount;
  currency: string | null;
  minimumSubtotal: bigint;
  maxRedemptions: bigint | null;
  maxPerCustomer: bigint | null;
  isActive: boolean;
}

export interface Account {
  earned: bigint;
  withdrawn: bigint;
  pending: bigint;
  orders: bigint;
  transactions: bigint;
  isFrozen: boolean;
}

export interface Order {
  id: string;
  userId: string;
  currency: string;
  status: string;
  /** Every status it has had. */
  history: string[];
  paymentStatus: string;
  pricesIncludeTax: boolean;
  totals: Totals;
  wallet: bigint;
  refunded: bigint;
  code: string | null;
  holdsRedemption: boolean;
  goods: Map<string, bigint>;
}

export interface Withdrawal {
  userId: string;
  currency: string;
  amount: bigint;
  status: string;
}

export interface Commission {
  referrer: string;
  currency: string;
  base: bigint;
  amount: bigint;
  clawedBack: bigint;
}

export const DEFAULT_CURRENCY = 'USD';
export const CURRENCIES = ['EUR', 'GBP', 'IQD', 'IRR', 'JPY', 'USD'];

/** available_balance (DESIGN section 5, source 003). */
export function available(account: Account | undefined): bigint {
  if (!account) return 0n;
  return account.earned - account.withdrawn - account.pending - account.orders;
}

export function pairOf(one: string, other: string): string {
  return `${one}/${other}`;
}

export function findAccount(shop: Shop, userId: string, currency: string): Account | undefined {
  return shop.accounts.get(pairOf(userId, currency));
}

export function openAccount(shop: Shop, userId: string, currency: string): Account {
  const found = findAccount(shop, userId, currency);
  if (found) return found;
  const opened: Account = {
    earned: 0n,
    withdrawn: 0n,
    pending: 0n,
    orders: 0n,
    transactions: 0n,
    isFrozen: false,
  };
  shop.accounts.set(pairOf(userId, currency), opened);
  return opened;
}

/** Double entry: the same amount on the debit side of one account and the credit side of another. */
export function post(
  shop: Shop,
  currency: string,
  debit: string,
  credit: string,
  amount: bigint,
): void {
  add(shop.books, pairOf(currency, debit), amount);
  add(shop.books, pairOf(currency, credit), -amount);
}

export function recordEvent(shop: Shop, type: string): void {
  add(shop.events, type, 1n);
}

function add(sums: Map<string, bigint>, key: string, amount: bigint): void {
  sums.set(key, (sums.get(key) ?? 0n) + amount);
}

/** A signed change of stock, with an alert when it crosses the threshold downwards (source 004). */
export function moveStock(shop: Shop, variant: Variant, quantity: bigint): void {
  const before = variant.onHand;
  variant.onHand += quantity;
  variant.movements += 1n;
  const threshold = shop.settings.lowStockThreshold;
  if (before > threshold && variant.onHand <= threshold) variant.lowStockAlerts += 1n;
}
