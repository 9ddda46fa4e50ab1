import fc from 'fast-check';

/** Random orders and what is done to them; picks are numbers that the play takes modulo what there is. */
export const VARIANTS = 4;

const units = fc.bigInt(1n, 6n);
const price = fc.oneof(fc.bigInt(0n, 3_000n), fc.constantFrom(1n, 333n, 999n));
const minimum = fc.constantFrom(0n, 0n, 1_000n, 4_000n);

export const orderPlans = fc.record({
  prices: fc.array(price, { minLength: VARIANTS, maxLength: VARIANTS }),
  taxRates: fc.array(fc.constantFrom(0n, 700n, 1900n, 3333n), {
    minLength: VARIANTS,
    maxLength: VARIANTS,
  }),
  pricesIncludeTax: fc.boolean(),
  shipping: fc.constantFrom(0n, 0n, 500n),
  discount: fc.option(
    fc.oneof(
      fc.record({
        kind: fc.constant('percent' as const),
        percentBp: fc.bigInt(1n, 10_000n),
        minimum,
      }),
      fc.record({ kind: fc.constant('fixed' as const), amount: fc.bigInt(1n, 5_000n), minimum }),
    ),
    { nil: null },
  ),
  lines: fc.array(fc.record({ variant: fc.nat(VARIANTS - 1), quantity: units }), {
    minLength: 1,
    maxLength: 4,
  }),
  method: fc.constantFrom('wallet' as const, 'wallet_partial' as const, 'bank_transfer' as const),
  part: fc.nat(100),
  balance: fc.bigInt(0n, 60_000n),
});

export const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('edit' as const),
        changed: fc.array(fc.record({ line: fc.nat(9), quantity: fc.bigInt(0n, 7n) }), {
          maxLength: 3,
        }),
        added: fc.array(fc.record({ variant: fc.nat(VARIANTS - 1), quantity: units }), {
          maxLength: 2,
        }),
        /** Percent of what will be owed; null leaves it out. */
        walletPart: fc.option(fc.constantFrom(0n, 50n, 100n, 120n), { nil: null }),
        to: fc.constantFrom('wallet' as const, 'original' as const),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('pay' as const), amount: fc.bigInt(1n, 9_000n) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('reprice' as const),
        variant: fc.nat(VARIANTS - 1),
        price,
      }),
    },
  ),
  { minLength: 1, maxLength: 7 },
);

export type OrderPlan = typeof orderPlans extends fc.Arbitrary<infer T> ? T : never;
export type Step = typeof steps extends fc.Arbitrary<(infer T)[]> ? T : never;
