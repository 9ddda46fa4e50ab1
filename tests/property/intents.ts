import fc from 'fast-check';
import { LARGEST_AMOUNT } from './model/pricing.ts';
import { CUSTOMERS, STAFF, type Who } from './world.ts';

/**
 * What somebody wants to do, before it is known which orders and withdrawals there are: plain data
 * that shrinks well. Most of it makes sense; some of it is wrong in one of the ways that a refusal
 * exists for.
 */

/** Mostly the first, now and then the second. */
function mostly<T, U>(usual: fc.Arbitrary<T>, rare: fc.Arbitrary<U>, weight = 30) {
  return fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: rare });
}

/** Often the same one, so that orders, withdrawals and commissions meet on one account. */
const customer = mostly(fc.constant('bob' as const), fc.constantFrom(...CUSTOMERS), 1);
const backend = fc.constantFrom<Who>('service_role', 'owner');
const anybody: fc.Arbitrary<Who> = fc.oneof(
  fc.constantFrom<Who>(...CUSTOMERS),
  fc.constantFrom<Who>(...STAFF),
  fc.constantFrom<Who>('service_role', 'owner', 'anon'),
);
const nobody = fc.constant('nobody' as const);
const leftOut = fc.constant(undefined);
/** Who calls, and the p_user_id they name: themselves, a customer they may act for, or anything. */
const caller = fc.oneof(
  { weight: 16, arbitrary: fc.record({ who: customer, forWhom: leftOut }) },
  {
    weight: 4,
    arbitrary: fc.record({ who: fc.oneof(fc.constant<Who>('admin'), backend), forWhom: customer }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ who: anybody, forWhom: fc.oneof(leftOut, customer, nobody) }),
  },
);
/** Counted back from the newest, round. */
const position = fc.nat({ max: 6 });
const key = fc.oneof(
  { weight: 40, arbitrary: leftOut },
  { weight: 20, arbitrary: fc.constantFrom('one', 'two', 'three') },
  { weight: 1, arbitrary: fc.constant('') },
);
/** p_actor_id. */
const onBehalf = mostly(leftOut, customer);
const amount = fc.oneof(
  { weight: 30, arbitrary: fc.bigInt(1n, 12_000n) },
  { weight: 2, arbitrary: fc.bigInt(-12_000n, 0n) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(LARGEST_AMOUNT, LARGEST_AMOUNT + 1n, -LARGEST_AMOUNT - 1n),
  },
);
const currency = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom(undefined, 'USD', 'usd') },
  { weight: 5, arbitrary: fc.constant('EUR') },
  { weight: 1, arbitrary: fc.constant('XXX') },
);

type Line = { variant: number | 'unknown' | 'bad'; quantity: number };
const line: fc.Arbitrary<Line> = fc.record({
  variant: fc.oneof(
    { weight: 60, arbitrary: fc.nat({ max: 4 }) },
    { weight: 2, arbitrary: fc.constant(5) },
    { weight: 1, arbitrary: fc.constantFrom('unknown' as const, 'bad' as const) },
  ),
  quantity: mostly(fc.integer({ min: 1, max: 4 }), fc.constantFrom(0, -1, 1.5, 50, 1_000_001), 60),
});
/** One of the other currency, now and then none. */
const lines = fc.oneof(
  { weight: 60, arbitrary: fc.array(line, { minLength: 1, maxLength: 3 }) },
  { weight: 5, arbitrary: fc.constant<Line[]>([{ variant: 5, quantity: 1 }]) },
  { weight: 1, arbitrary: fc.constant<Line[]>([]) },
);
const basket = {
  items: lines,
  ships: mostly(fc.constantFrom(true, false, false), fc.constant('unknown' as const)),
  code: mostly(fc.option(fc.nat({ max: 3 }), { freq: 2 }), fc.constant('unknown' as const)),
};

type Part = 'none' | 'zero' | 'half' | 'all' | 'more';
/** Payment method and p_wallet_amount: as they belong together, or any. */
const payment = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      method: fc.constantFrom('wallet', undefined),
      part: fc.constantFrom<Part[]>('none', 'none', 'all'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      method: fc.constant('wallet_partial'),
      part: fc.constantFrom<Part[]>('none', 'zero', 'half', 'all'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      method: fc.constant('bank_transfer'),
      part: fc.constantFrom<Part[]>('none', 'zero'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      method: fc.constantFrom('wallet', 'wallet_partial', 'bank_transfer', 'card', 'shells'),
      part: fc.constantFrom<Part[]>('none', 'zero', 'half', 'all', 'more'),
    }),
  },
);

const place = fc.record({
  kind: fc.constant('place' as const),
  caller,
  ...basket,
  payment,
  expected: mostly(
    fc.constantFrom('none' as const, 'right' as const),
    fc.constant('wrong' as const),
    20,
  ),
  address: mostly(leftOut, position, 6),
  key,
});

const quote = fc.record({ kind: fc.constant('quote' as const), caller, ...basket });

const cancel = fc.record({
  kind: fc.constant('cancel' as const),
  /** The order's own customer, or others. */
  caller: mostly(fc.constant('owner of the order' as const), caller, 5),
  order: mostly(position, fc.constant('unknown' as const)),
  key,
});

const STATUSES = [
  ...['pending', 'confirmed', 'processing', 'shipped', 'delivered', 'rejected', 'cancelled'],
  ...['refunded', 'lost'],
];
const change = fc.record({
  kind: fc.constant('change' as const),
  who: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom<Who>('admin', 'service_role', 'owner') },
    { weight: 3, arbitrary: fc.constantFrom<Who>('finance', 'warehouse', 'logistics') },
    { weight: 1, arbitrary: anybody },
  ),
  order: mostly(position, fc.constant('unknown' as const)),
  customer: mostly(fc.constant('right' as const), fc.oneof(customer, nobody)),
  from: mostly(fc.constant('present' as const), fc.constantFrom(...STATUSES)),
  /** One of the next statuses, forward ones first, or any. */
  to: mostly<number, string>(
    fc.constantFrom(0, 0, 0, 0, 1, 1, 2, 2, 3),
    fc.constantFrom(...STATUSES),
    12,
  ),
  amount: mostly(fc.constant('right' as const), amount),
  restock: fc.constantFrom(undefined, undefined, true, false),
  shouts: fc.boolean(),
  onBehalf,
  key,
});

const credit = fc.record({
  kind: fc.constant('credit' as const),
  who: mostly<Who, Who>(fc.constantFrom<Who>('admin', 'finance', 'service_role'), anybody, 5),
  customer: mostly(customer, fc.constantFrom('nobody' as const, undefined), 20),
  amount,
  type: mostly(
    fc.constantFrom('deposit', 'earning', 'bonus', 'adjustment', 'adjustment', undefined),
    fc.constant('gift'),
    20,
  ),
  currency,
  onBehalf,
  key,
});

const freeze = fc.record({
  kind: fc.constant('freeze' as const),
  who: mostly<Who, Who>(fc.constantFrom<Who>('admin', 'finance', 'owner'), anybody, 5),
  customer: mostly(customer, fc.constant('nobody' as const), 20),
  /** Releases come more often, or everybody would soon be frozen. */
  frozen: fc.constantFrom(true, false, false),
  reason: mostly(fc.constant('a claim is open'), fc.constantFrom(undefined, '  '), 6),
  currency,
  onBehalf,
  key,
});

const withdraw = fc.record({
  kind: fc.constant('withdraw' as const),
  caller,
  amount,
  currency,
  hasDestination: mostly(fc.constant(true), fc.constant(false), 20),
  key,
});

const review = fc.record({
  kind: fc.constant('review' as const),
  who: mostly<Who, Who>(fc.constantFrom<Who>('admin', 'finance', 'service_role'), anybody, 6),
  withdrawal: mostly(position, fc.constant('unknown' as const), 15),
  decision: mostly(
    fc.constantFrom('approve', 'approve', 'reject', 'mark_paid', 'MARK_PAID'),
    fc.constant('ponder'),
    20,
  ),
  onBehalf,
  key,
});

const takeBack = fc.record({
  kind: fc.constant('take back' as const),
  caller: mostly(fc.constant('owner of the withdrawal' as const), caller, 3),
  withdrawal: mostly(position, fc.constant('unknown' as const), 15),
  key,
});

const refer = fc.record({
  kind: fc.constant('refer' as const),
  caller,
  by: mostly(customer, fc.constant('nobody' as const), 8),
  key,
});

const stock = fc.record({
  kind: fc.constant('stock' as const),
  who: mostly<Who, Who>(fc.constantFrom<Who>('admin', 'warehouse', 'owner'), anybody, 6),
  variant: mostly(fc.nat({ max: 5 }), fc.constant('unknown' as const), 20),
  quantity: fc.oneof(
    { weight: 12, arbitrary: fc.bigInt(-6n, 10n) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(LARGEST_AMOUNT, -LARGEST_AMOUNT, -LARGEST_AMOUNT - 1n),
    },
  ),
  reason: mostly(
    fc.constantFrom(undefined, 'received', 'counted', 'counted', 'damaged'),
    fc.constant('stolen'),
    20,
  ),
  onBehalf,
  key,
});

const address = fc.record({
  kind: fc.constant('address' as const),
  caller,
  country: mostly(fc.constantFrom('IQ', 'de'), fc.constant('Iraq'), 10),
  changes: mostly(fc.constant(undefined), position, 2),
  key,
});

const forget = fc.record({
  kind: fc.constant('forget' as const),
  caller,
  address: position,
});

/** The same call once more, as after a lost connection; or with its key, by somebody else. */
const retry = retryOf(fc.nat({ max: 40 }));

function retryOf(call: fc.Arbitrary<number>) {
  const kind = fc.constant('retry' as const);
  return fc.record({ kind, call, who: mostly(leftOut, anybody, 6) });
}

const edit = fc.record({
  kind: fc.constant('edit' as const),
  change: fc.oneof(
    fc.record({ setting: fc.constant('taxRateBp' as const), value: fc.bigInt(0n, 10_000n) }),
    fc.record({ setting: fc.constant('pricesIncludeTax' as const), value: fc.boolean() }),
    fc.record({ setting: fc.constant('autoConfirmWhenPaid' as const), value: fc.boolean() }),
    fc.record({
      setting: fc.constant('cancellationWindowMinutes' as const),
      value: fc.constantFrom(0n, 1440n, 1440n),
    }),
    fc.record({ setting: fc.constant('referralRateBp' as const), value: fc.bigInt(0n, 10_000n) }),
    fc.record({ setting: fc.constant('lowStockThreshold' as const), value: fc.bigInt(0n, 8n) }),
    fc.record({ variant: fc.nat({ max: 5 }), price: fc.bigInt(0n, 5_000n) }),
    fc.record({ variant: fc.nat({ max: 5 }), isActive: fc.constantFrom(true, true, false) }),
    fc.record({ code: fc.nat({ max: 3 }), isActive: fc.constantFrom(true, true, false) }),
    fc.record({
      method: fc.constantFrom('wallet_partial', 'bank_transfer'),
      isActive: fc.constantFrom(true, true, false),
    }),
  ),
});

/** Everything, for one caller after the other. */
export const intents = fc.noBias(
  fc.oneof(
    { weight: 30, arbitrary: place },
    { weight: 34, arbitrary: change },
    { weight: 8, arbitrary: cancel },
    { weight: 8, arbitrary: credit },
    { weight: 7, arbitrary: withdraw },
    { weight: 7, arbitrary: review },
    { weight: 7, arbitrary: retry },
    { weight: 7, arbitrary: stock },
    { weight: 5, arbitrary: edit },
    { weight: 4, arbitrary: takeBack },
    { weight: 4, arbitrary: refer },
    { weight: 3, arbitrary: freeze },
    { weight: 3, arbitrary: quote },
    { weight: 2, arbitrary: address },
    { weight: 1, arbitrary: forget },
  ),
);

/**
 * What callers do at the same time. Not what is read without a lock, as a price is: which of two
 * prices an order got says nothing about which of two calls was first.
 */
export const racingIntents = fc.noBias(
  fc.oneof(
    { weight: 30, arbitrary: place },
    { weight: 34, arbitrary: change },
    { weight: 10, arbitrary: cancel },
    /** Of a call that another lane is waiting for. */
    { weight: 14, arbitrary: retryOf(fc.nat({ max: 4 })) },
    { weight: 6, arbitrary: credit },
    { weight: 8, arbitrary: withdraw },
    { weight: 8, arbitrary: review },
    { weight: 5, arbitrary: takeBack },
    { weight: 4, arbitrary: stock },
    { weight: 2, arbitrary: refer },
    { weight: 2, arbitrary: freeze },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('seal' as const) }) },
  ),
);

type Generated<A> = A extends fc.Arbitrary<infer T> ? T : never;
export type Intent = Generated<typeof intents>;
export type RacingIntent = Generated<typeof racingIntents>;
export type Edit = Generated<typeof edit>['change'];
