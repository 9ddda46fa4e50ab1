import fc from 'fast-check';

/** What happens to one customer's account; `which` picks among what there is at that moment, shares are thousandths of it. */
export type Step =
  | { kind: 'issue'; amount: number }
  | { kind: 'order'; quantity: number }
  | { kind: 'lateInvoice'; quantity: number; share: number; back: number; payout: Payout }
  | { kind: 'pay'; amount: number }
  | { kind: 'payInvoice'; which: number; share: number }
  | { kind: 'allocate'; which: number; invoices: number[]; share: number }
  | { kind: 'auto'; which: number; strategy: 'fifo' | 'aging' | 'risk' | 'weighted' }
  | { kind: 'reverse'; which: number }
  | { kind: 'credit'; which: number; share: number }
  | { kind: 'void'; which: number }
  | { kind: 'voidPayment'; which: number }
  | { kind: 'release'; which: number; share: number }
  | { kind: 'refund'; which: number; share: number; to: 'wallet' | 'original' }
  | { kind: 'deliver'; which: number }
  | { kind: 'cancel'; which: number }
  | { kind: 'settle'; which: number; payout: 'paid' | 'failed' | 'withdrawn' }
  | { kind: 'bounce'; which: number };

/** So many thousandths of it, but something. */
export const portion = (of: number, share: number) => Math.max(1, Math.floor((of * share) / 1000));

/** What became of the money that was to go back. */
type Payout = 'pending' | 'paid' | 'withdrawn';

const which = fc.nat(100);
/** Now and then more than there is. */
const share = fc.oneof(
  fc.constantFrom(1, 1000),
  fc.integer({ min: 1, max: 1000 }),
  fc.constant(1200),
);
const amount = fc.oneof(
  fc.integer({ min: 1, max: 5 }),
  fc.integer({ min: 1, max: 5000 }),
  fc.integer({ min: 1, max: 10 ** 12 }),
);

const kind = <K extends Step['kind']>(name: K) => fc.constant(name);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: kind('issue'), amount }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: kind('order'), quantity: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: kind('lateInvoice'),
      quantity: fc.integer({ min: 1, max: 4 }),
      share: fc.integer({ min: 1, max: 1000 }),
      back: fc.integer({ min: 1, max: 1000 }),
      payout: fc.constantFrom('pending' as const, 'paid' as const, 'withdrawn' as const),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: kind('pay'), amount }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('payInvoice'), which, share }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: kind('allocate'),
      which,
      invoices: fc.array(which, { minLength: 1, maxLength: 3 }),
      share,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: kind('auto'),
      which,
      strategy: fc.constantFrom('fifo' as const, 'aging', 'risk', 'weighted'),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: kind('reverse'), which }) },
  { weight: 3, arbitrary: fc.record({ kind: kind('credit'), which, share }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('void'), which }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('voidPayment'), which }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('release'), which, share }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: kind('refund'),
      which,
      share,
      to: fc.constantFrom('wallet' as const, 'original' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: kind('deliver'), which }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('cancel'), which }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: kind('settle'),
      which,
      payout: fc.constantFrom('paid' as const, 'failed' as const, 'withdrawn' as const),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: kind('bounce'), which }) },
);

/** There is something to allocate, and something to allocate it to, from the start. */
const opening: Step[] = [
  { kind: 'issue', amount: 900 },
  { kind: 'pay', amount: 1500 },
  { kind: 'order', quantity: 1 },
];

export const stepLists = fc
  .array(step, { minLength: 6, maxLength: 24, size: 'max' })
  .map((steps) => [...opening, ...steps]);
