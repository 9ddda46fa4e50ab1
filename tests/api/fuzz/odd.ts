import fc from 'fast-check';

/** Texts that have broken something somewhere. */
export const oddText = fc.constantFrom(
  '',
  ' ',
  '0',
  '-1',
  'null',
  '\u0000',
  '\ud800',
  '\u202e💣',
  "'; drop table orders; --",
  '{amount:money} %s %I',
  '../../etc/passwd',
  'x'.repeat(5000),
  '9'.repeat(400),
  '*',
  '"1"',
  'a,b.c(d)',
);

const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    -1,
    0,
    0.5,
    2 ** 53,
    -(2 ** 63),
    1e300,
    [],
    {},
    [[]],
    [null],
  ),
  oddText,
  fc.jsonValue({ maxDepth: 3 }),
);

/** A value with something odd in one place of it. */
export function broken(value: unknown): fc.Arbitrary<unknown> {
  if (Array.isArray(value) && value.length > 0) {
    return fc.oneof(
      oddValue,
      fc.nat(value.length - 1).chain((at) => broken(value[at]).map((odd) => value.with(at, odd))),
    );
  }
  if (typeof value === 'object' && value !== null && Object.keys(value).length > 0) {
    const entries = Object.entries(value);
    const place = fc.constantFrom(...entries);
    return fc.oneof(
      oddValue,
      place.chain(([name, inner]) => broken(inner).map((odd) => ({ ...value, [name]: odd }))),
      place.map(([name]) => Object.fromEntries(entries.filter(([other]) => other !== name))),
      oddText.map((name) => ({ ...value, [name]: 1 })),
    );
  }
  return oddValue;
}
