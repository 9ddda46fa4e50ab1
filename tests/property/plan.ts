import fc from 'fast-check';
import { LARGEST_AMOUNT } from './model/pricing.ts';
import type { Settings } from './model/shop.ts';

/** How a run's shop is set up. */
export interface Plan {
  variants: { price: bigint; taxRateBp: bigint | null }[];
  shipping: bigint;
  percentBp: bigint;
  fixedAmount: bigint;
  settings: Settings;
}

const rateBp = fc.oneof(fc.constantFrom(0n, 1900n, 10_000n), fc.bigInt(0n, 10_000n));
const price = fc.oneof(
  { weight: 30, arbitrary: fc.bigInt(1n, 3_000n) },
  { weight: 1, arbitrary: fc.constantFrom(0n, LARGEST_AMOUNT, LARGEST_AMOUNT / 2n) },
);
const variant = fc.record({ price, taxRateBp: fc.option(rateBp, { freq: 2 }) });
const settings: fc.Arbitrary<Settings> = fc.record({
  taxRateBp: rateBp,
  pricesIncludeTax: fc.boolean(),
  autoConfirmWhenPaid: fc.boolean(),
  defaultOrderStatus: fc.constantFrom('pending', 'pending', 'pending', 'confirmed', 'processing'),
  cancellationWindowMinutes: fc.constantFrom(1440n, 1440n, 1440n, 0n),
  referralRateBp: rateBp,
  lowStockThreshold: fc.bigInt(0n, 8n),
});

/** Shops with so many variants; the last one is priced in another currency. */
export function plans(variants: number): fc.Arbitrary<Plan> {
  return fc.noBias(
    fc.record({
      variants: fc.array(variant, { minLength: variants, maxLength: variants }),
      shipping: fc.bigInt(0n, 900n),
      percentBp: fc.bigInt(1n, 10_000n),
      fixedAmount: fc.bigInt(1n, 6_000n),
      settings,
    }),
  );
}
