import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalEvent, jsonbText } from '../../local/tools/seals/canonical.ts';
import { createTestDatabase } from '../support/test-database.ts';

/** The canonical form is recomputed outside the database: letter for letter what Postgres says. */
const { sql } = await createTestDatabase('seal_canonical');

const digits = (min: number, max: number) =>
  fc.stringMatching(new RegExp(`^[0-9]{${min},${max}}$`));

/** Numbers as JSON may write them: long ones, exponents, zeros behind the point, minus zero. */
const number = fc
  .record({
    sign: fc.constantFrom('', '-'),
    whole: fc.oneof(
      fc.constant('0'),
      fc.tuple(fc.constantFrom(...'123456789'), digits(0, 40)).map(([a, b]) => a + b),
    ),
    fraction: fc.oneof(
      fc.constant(''),
      digits(1, 30).map((text) => `.${text}`),
    ),
    exponent: fc.oneof(
      fc.constant(''),
      fc
        .tuple(fc.constantFrom('e', 'E'), fc.constantFrom('', '+', '-'), fc.nat(60))
        .map(([letter, sign, power]) => letter + sign + power),
    ),
  })
  .map(({ sign, whole, fraction, exponent }) => sign + whole + fraction + exponent);

const character = fc
  .oneof(
    fc.constantFrom('"', '\\', '/', '\b', '\f', '\n', '\r', '\t', '\u0001', '\u001f', '\u007f'),
    fc.constantFrom('\u2028', '\ufeff', 'é', 'e\u0301', 'م', '漢', '😀', '1e5', '{', '": '),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  )
  .filter((text) => !text.includes('\u0000'));

const text = fc.array(character, { maxLength: 12 }).map((list) => list.join(''));
const key = fc.oneof(text, fc.constantFrom('__proto__', '1', '10', '2', 'a', 'aa', 'B', 'é', ''));

/** As a client might write it: escaped here and there, with blanks, and with keys that come twice. */
const string = (content: fc.Arbitrary<string>) =>
  fc
    .tuple(content, fc.boolean())
    .map(([value, escapes]) =>
      escapes
        ? `"${[...Array(value.length).keys()].map((n) => `\\u${value.charCodeAt(n).toString(16).padStart(4, '0')}`).join('')}"`
        : JSON.stringify(value),
    );
const blank = fc.constantFrom('', ' ', '\n', '\t ');

const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom('null', 'true', 'false', '{}', '[]'),
    number,
    string(text),
    fc
      .tuple(blank, fc.array(tie('json'), { maxLength: 4 }))
      .map(([space, items]) => `[${space}${items.join(`${space},`)}${space}]`),
    fc
      .tuple(blank, fc.array(fc.tuple(string(key), tie('json')), { maxLength: 6 }))
      .map(
        ([space, members]) =>
          `{${space}${members.map(([name, value]) => `${name}${space}:${value}`).join(`,${space}`)}}`,
      ),
  ),
}));

test('any JSON becomes the text that Postgres gives it as jsonb', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(json, { minLength: 1, maxLength: 40 }), async (values) => {
      const rows = await sql<{ form: string }[]>`
        select v::jsonb::text as form from unnest(${values}::text[]) with ordinality u (v, n) order by n`;
      expect(values.map(jsonbText)).toEqual(rows.map(({ form }) => form));
    }),
    { numRuns: 150 },
  );
});

test('an exported event has the canonical form that its seal is made of', async () => {
  const moment = fc.tuple(
    fc.date({
      min: new Date('1969-01-01'),
      max: new Date('9998-01-01'),
      noInvalidDate: true,
    }),
    fc.nat(999),
  );
  const event = fc.record({ json, at: moment, type: text, account: fc.option(fc.uuid()) });
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 20 }), async (events) => {
      const at = events.map(
        ({ at: [date, micros] }) =>
          `${date.toISOString().slice(0, -1)}${String(micros).padStart(3, '0')}Z`,
      );
      const rows = await sql.begin(async (transaction) => {
        await transaction`set local timezone = 'UTC'`;
        const found = await transaction<{ row: string; form: string }[]>`
          with e as (
            select row(n, u.at, u.type, 'order', gen_random_uuid(), u.account, u.payload, null, gen_random_uuid(), null, 9007199254740991)
                   ::public.immutable_events as e
            from unnest(${at}::timestamptz[], ${events.map(({ type }) => type)}::text[], ${events.map(({ account }) => account)}::uuid[],
                        ${events.map((one) => one.json)}::text[]::jsonb[]) with ordinality u (at, type, account, payload, n))
          select to_jsonb(e.e)::text as row, ledger.event_canonical(e.e) as form from e`;
        return [...found];
      });
      expect(rows.map(({ row }) => canonicalEvent(row).line)).toEqual(rows.map(({ form }) => form));
    }),
    { numRuns: 60 },
  );
});
