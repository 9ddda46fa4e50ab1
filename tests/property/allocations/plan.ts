import fc from 'fast-check';

/** What happens to one customer's account; `which` picks among what there is at that moment, shares are thousandths of it. */
export type Step =
  | { kind: 'issue'; amount: number }
  | { kind: 'order'; quantity: number }
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
  | { kind: 'cancel'; which: number };

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
