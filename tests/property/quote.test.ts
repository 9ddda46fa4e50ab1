import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTestDatabase } from '../support/test-database.ts';
import {
  type Basket,
  type BasketLine,
  type Discount,
  isTooLarge,
  LARGEST_AMOUNT,
  priceBasket,
  subtotalOf,
  sum,
  type Totals,
} from './model/pricing.ts';
import { parameters, timeout } from './runs.ts';

const db = await createTestDatabase('property_quote');
const RUNS = 200;
const MOST_LINES = 5;
const LARGEST_QUANTITY = 2n ** 31n - 1n;

const tag = randomUUID().slice(0, 8);
const variants = Array.from({ length: MOST_LINES }, () => randomUUID());
const code = `QUOTE-${tag}`.toUpperCase();
const shipping = `quote-${tag}`;

/** Small, anything, or the edges, and what just fits or just does not with a small quantity. */
const amount = fc.oneof(
  fc.bigInt(0n, 10_000n),
  fc.bigInt(0n, LARGEST_AMOUNT),
  fc.constantFrom(0n, 1n, LARGEST_AMOUNT - 1n, LARGEST_AMOUNT),
  fc.bigInt(1n, 12n).map((parts) => LARGEST_AMOUNT / parts),
);
const quantity = fc.oneof(
  { weight: 6, arbitrary: fc.bigInt(1n, 9n) },
  { weight: 1, arbitrary: fc.bigInt(1n, LARGEST_QUANTITY) },
  { weight: 1, arbitrary: fc.constant(LARGEST_QUANTITY) },
);
const rateBp = fc.oneof(
  fc.constantFrom(0n, 1n, 700n, 1900n, 9_999n, 10_000n),
  fc.bigInt(0n, 10_000n),
);
const discount: fc.Arbitrary<Discount | null> = fc.oneof(
  fc.constant(null),
  fc.record({
    kind: fc.constant('percent' as const),
    percentBp: fc.oneof(fc.bigInt(1n, 10_000n), fc.constantFrom(1n, 9_999n, 10_000n)),
  }),
  fc.record({
    kind: fc.constant('fixed' as const),
    amount: amount.filter((fixed) => fixed > 0n),
  }),
);
const line: fc.Arbitrary<BasketLine> = fc.record({ price: amount, quantity, taxRateBp: rateBp });
const cheapLine: fc.Arbitrary<BasketLine> = fc.record({
  price: fc.bigInt(0n, 10_000n),
  quantity: fc.bigInt(1n, 100n),
  taxRateBp: rateBp,
});
const baskets: fc.Arbitrary<Basket> = fc.record({
  lines: fc.oneof(
    fc.array(line, { minLength: 1, maxLength: MOST_LINES }),
    fc.array(cheapLine, { minLength: 1, maxLength: MOST_LINES }),
  ),
  discount,
  shipping: fc.oneof(
    { weight: 4, arbitrary: fc.bigInt(0n, 2_000n) },
    { weight: 1, arbitrary: amount },
  ),
  pricesIncludeTax: fc.boolean(),
});

await db.sql`
  with product as (
    insert into public.products (id, name)
    select v.id, 'Product' from unnest(${variants}::uuid[]) v (id) returning id)
  insert into public.variants (id, product_id, sku, name, price_amount, currency)
  select p.id, p.id, p.id::text, 'Default', 0, 'USD' from product p
`;
await db.sql`
  insert into public.shipping_methods (code, currency, name, price_amount)
  values (${shipping}, 'USD', 'Parcel', 0)
`;
await db.sql`
  insert into public.discount_codes (code, kind, percent_bp, fixed_amount, currency)
  values (${code}, 'percent', 1, null, 'USD')
`;
await db.sql`
  update public.settings set value = ${LARGEST_QUANTITY.toString()}::text::jsonb
  where key = 'max_line_quantity'
`;

type Quote = { refusal: string } | Totals;

/** The database's quote for this basket, in a catalogue that has just these prices. */
async function quoteOf(basket: Basket): Promise<Quote> {
  const lines = basket.lines.map((line, index) => ({
    id: variants[index],
    price: line.price.toString(),
    tax_rate_bp: line.taxRateBp.toString(),
  }));
  const { discount } = basket;
  await db.sql`
    with wanted as (
      select * from jsonb_to_recordset(${JSON.stringify(lines)}::text::jsonb)
        as w (id uuid, price bigint, tax_rate_bp integer)),
    taxed as (
      update public.products p set tax_rate_bp = w.tax_rate_bp from wanted w where p.id = w.id),
    priced as (
      update public.variants v set price_amount = w.price from wanted w where v.id = w.id),
    sent as (
      update public.shipping_methods s set price_amount = ${basket.shipping.toString()}::text::bigint
      where s.code = ${shipping}),
    discounted as (
      update public.discount_codes c set kind = ${discount?.kind ?? 'percent'},
        percent_bp = ${discount?.kind === 'fixed' ? null : (discount?.percentBp ?? 1n).toString()}::text::integer,
        fixed_amount = ${discount?.kind === 'fixed' ? discount.amount.toString() : null}::text::bigint
      where c.code = ${code})
    update public.settings s set value = ${String(basket.pricesIncludeTax)}::text::jsonb
    where s.key = 'prices_include_tax'
  `;
  const items = basket.lines.map((line, index) => ({
    variant_id: variants[index],
    quantity: Number(line.quantity),
  }));
  const [row] = await db.sql<{ answer: Answered }[]>`
    select to_jsonb(q) as answer
    from public.order_quote(${JSON.stringify(items)}::text::jsonb, ${shipping},
      ${discount === null ? null : code}::text) q
  `;
  if (!row) throw new Error('order_quote answered nothing');
  const { answer } = row;
  if (!answer.success) return { refusal: answer.error_code };
  return {
    subtotal: BigInt(answer.subtotal_amount),
    discount: BigInt(answer.discount_amount),
    shipping: BigInt(answer.shipping_amount),
    tax: BigInt(answer.tax_amount),
    total: BigInt(answer.total_amount),
    lines: answer.lines.map((line) => ({
      total: BigInt(line.total_price_amount),
      discount: BigInt(line.discount_amount),
      tax: BigInt(line.tax_amount),
    })),
  };
}

type Answered =
  | { success: false; error_code: string }
  | {
      success: true;
      subtotal_amount: number;
      discount_amount: number;
      shipping_amount: number;
      tax_amount: number;
      total_amount: number;
      lines: { total_price_amount: number; discount_amount: number; tax_amount: number }[];
    };

async function checkQuotes(
  arbitrary: fc.Arbitrary<Basket>,
  check: (basket: Basket, totals: Totals) => void | Promise<void>,
): Promise<void> {
  const property = fc.asyncProperty(arbitrary, async (basket) => {
    const quoted = await quoteOf(basket);
    if (!('refusal' in quoted)) await check(basket, quoted);
  });
  await fc.assert(property, parameters(RUNS));
}

test(
  'a quote is what an independent calculation says, and amount_too_large exactly when an amount leaves 2^53 - 1 (DESIGN section 4, source 004)',
  async () => {
    const property = fc.asyncProperty(baskets, async (basket) => {
      const totals = priceBasket(basket);
      const tooLarge = subtotalOf(basket.lines) > LARGEST_AMOUNT || isTooLarge(totals);
      expect(await quoteOf(basket)).toEqual(tooLarge ? { refusal: 'amount_too_large' } : totals);
    });
    await fc.assert(property, parameters(RUNS));
  },
  timeout(RUNS),
);

test(
  'the lines’ discounts add up to the order’s, each within its line and less than one unit off its proportion',
  async () => {
    await checkQuotes(baskets, (_, totals) => {
      expect(sum(totals.lines.map((line) => line.discount))).toBe(totals.discount);
      for (const line of totals.lines) {
        expect(line.discount >= 0n && line.discount <= line.total).toBe(true);
        const off = line.discount * totals.subtotal - totals.discount * line.total;
        expect(off < 0n ? -off : off).toBeLessThan(totals.subtotal === 0n ? 1n : totals.subtotal);
      }
    });
  },
  timeout(RUNS),
);

test(
  'a total is the sum of its parts, and never more than goods, shipping and tax',
  async () => {
    await checkQuotes(baskets, (basket, totals) => {
      expect(totals.subtotal).toBe(sum(totals.lines.map((line) => line.total)));
      expect(totals.tax).toBe(sum(totals.lines.map((line) => line.tax)));
      expect(totals.discount >= 0n && totals.discount <= totals.subtotal).toBe(true);
      const onTop = basket.pricesIncludeTax ? 0n : totals.tax;
      expect(totals.total).toBe(totals.subtotal - totals.discount + totals.shipping + onTop);
    });
  },
  timeout(RUNS),
);

test(
  'tax is its rate of the net price to half a unit, on top of prices or within them',
  async () => {
    await checkQuotes(baskets, (basket, totals) => {
      for (const [index, { total, discount, tax }] of totals.lines.entries()) {
        const rate = basket.lines[index]?.taxRateBp ?? 0n;
        const paid = total - discount;
        const share = basket.pricesIncludeTax ? 10_000n + rate : 10_000n;
        const off = 2n * (tax * share - paid * rate);
        expect(off <= share && off >= -share).toBe(true);
        expect(tax <= paid).toBe(true);
      }
    });
  },
  timeout(RUNS),
);

test(
  'the same basket costs as much more without tax in its prices as the tax comes to',
  async () => {
    const cheap = baskets.filter((basket) => subtotalOf(basket.lines) < 10n ** 12n);
    await checkQuotes(cheap, async (basket, totals) => {
      const other = await quoteOf({ ...basket, pricesIncludeTax: !basket.pricesIncludeTax });
      if ('refusal' in other) throw new Error(`refused: ${other.refusal}`);
      const [within, onTop] = basket.pricesIncludeTax ? [totals, other] : [other, totals];
      expect(onTop.total - within.total).toBe(onTop.tax);
      for (const [index, line] of onTop.lines.entries()) {
        expect((within.lines[index]?.tax ?? 0n) <= line.tax).toBe(true);
      }
    });
  },
  timeout(RUNS),
);
