import fc from 'fast-check';

/** What a provider can say of one payment, without the names that the test adds. */
export interface Saying {
  kind: string;
  amount?: number;
  captured_total?: number;
  is_final?: boolean;
  object_id?: string;
}

export interface History {
  /** What the wallet pays of the order before. */
  wallet: number;
  sayings: Saying[];
}

export const TOTAL = 1000;

/** Whole amounts that add up to at most so much. */
const parts = (limit: number, most: number): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: 1, max: limit }), { maxLength: most }).map((amounts) => {
    let left = limit;
    return amounts.flatMap((amount) => {
      const part = Math.min(amount, left);
      left -= part;
      return part > 0 ? [part] : [];
    });
  });

const maybe = (saying: Saying) => fc.boolean().map((said) => (said ? [saying] : []));

function captures(amounts: number[], isFinal: boolean): Saying[] {
  let total = 0;
  return amounts.map((amount, place) => {
    total += amount;
    return {
      kind: 'captured',
      amount,
      captured_total: total,
      is_final: isFinal && place === amounts.length - 1,
    };
  });
}

const refund = (amount: number, place: number, fails: boolean): Saying[] => {
  const said = { object_id: `re_${place}`, amount };
  return [{ kind: 'refunded', ...said }, ...(fails ? [{ kind: 'refund_failed', ...said }] : [])];
};

const dispute = (amount: number, place: number, won: boolean): Saying[] => {
  const said = { object_id: `dp_${place}`, amount };
  return [
    { kind: 'charged_back', ...said },
    ...(won ? [{ kind: 'charge_back_won', ...said }] : []),
  ];
};

/** A payment of up to 1500 for an order of 1000, in parts, with refunds and disputes of what was captured. */
export const history: fc.Arbitrary<History> = fc
  .record({
    wallet: fc.constantFrom(0, 300),
    captured: parts(1500, 3).filter((amounts) => amounts.length > 0),
    isFinal: fc.boolean(),
    whole: fc.boolean(),
  })
  .chain(({ wallet, captured, isFinal, whole }) => {
    const amounts = whole ? [TOTAL - wallet] : captured;
    const sum = amounts.reduce((a, b) => a + b, 0);
    return fc
      .record({
        moved: parts(sum, 4),
        ends: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
        disputed: fc.nat({ max: 4 }),
        before: maybe({ kind: 'authorised', amount: sum }),
        voided: maybe({ kind: 'voided' }),
      })
      .map(({ moved, ends, disputed, before, voided }) => ({
        wallet,
        sayings: [
          ...before,
          ...captures(amounts, isFinal),
          ...moved.flatMap((amount, place) =>
            (place < disputed ? dispute : refund)(amount, place, ends[place] ?? false),
          ),
          ...voided,
        ],
      }));
  });

/** The same sayings in any order, each once or several times. */
export const deliveries = (sayings: Saying[]): fc.Arbitrary<number[]> =>
  fc.array(fc.nat({ max: sayings.length - 1 }), { maxLength: 4 }).chain((again) =>
    fc.shuffledSubarray([...sayings.keys(), ...again], {
      minLength: sayings.length + again.length,
    }),
  );
