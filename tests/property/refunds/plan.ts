import fc from 'fast-check';
import type { Destination } from './model.ts';

/** Orders and what happens to them; shares are thousandths of what there is at that moment. */

export interface OrderPlan {
  lines: { quantity: number; price: number; taxRateBp: number; ofVendor: boolean }[];
  pricesIncludeTax: boolean;
  discount: number;
  shipping: number;
  platformRateBp: number;
  referralRateBp: number;
  walletShare: number;
}

/** What became of a payout. */
export type Settlement = 'paid' | 'failed' | 'withdrawn';

export type Step =
  | { kind: 'pay'; share: number }
  | { kind: 'ship'; shares: number[] }
  | { kind: 'arrive' }
  | { kind: 'deliver' }
  | {
      kind: 'refund';
      shares: number[];
      unshipped: boolean[];
      shipping: number;
      amount: number;
      to: Destination;
      restock: boolean;
    }
  | { kind: 'return'; shares: number[]; refund: boolean; to: Destination }
  | { kind: 'settle'; action: Settlement }
  | { kind: 'end'; status: 'cancelled' | 'refunded'; to: Destination; restock?: boolean };

const MOST_LINES = 3;
const share = fc.oneof(fc.constantFrom(0, 1000), fc.integer({ min: 0, max: 1000 }));
/** Now and then more than there is. */
const wish = fc.oneof({ weight: 9, arbitrary: share }, fc.constant(1300));
const shares = fc.array(wish, { minLength: MOST_LINES, maxLength: MOST_LINES });
const rarely = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: wish });
const to = fc.constantFrom<Destination>('wallet', 'original');
const price = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.integer({ min: 1, max: 2000 }),
  fc.integer({ min: 1, max: 10 ** 12 }),
);
const rate = fc.oneof(fc.constantFrom(0, 700, 10_000), fc.integer({ min: 0, max: 10_000 }));

export const orderPlans: fc.Arbitrary<OrderPlan> = fc.record({
  lines: fc.array(
    fc.record({
      quantity: fc.integer({ min: 1, max: 7 }),
      price,
      taxRateBp: rate,
      ofVendor: fc.boolean(),
    }),
    { minLength: 1, maxLength: MOST_LINES },
  ),
  pricesIncludeTax: fc.boolean(),
  discount: share,
  shipping: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 900 })),
  platformRateBp: rate,
  referralRateBp: rate,
  walletShare: share,
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pay' as const), share }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('ship' as const), shares }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('arrive' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('deliver' as const) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('refund' as const),
      shares,
      unshipped: fc.array(fc.boolean(), { minLength: MOST_LINES, maxLength: MOST_LINES }),
      shipping: rarely,
      amount: rarely,
      to,
      restock: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('return' as const),
      shares,
      refund: fc.boolean(),
      to,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      action: fc.constantFrom<Settlement>('paid', 'failed', 'withdrawn'),
    }),
  },
);

export const stepLists = fc.array(step, { minLength: 1, maxLength: 8 });

export const endings: fc.Arbitrary<Step> = fc.record(
  {
    kind: fc.constant('end' as const),
    status: fc.constantFrom('cancelled' as const, 'refunded' as const),
    to,
    restock: fc.boolean(),
  },
  { requiredKeys: ['kind', 'status', 'to'] },
);
