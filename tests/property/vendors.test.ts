import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expectBooksInOrder } from '../support/books.ts';
import { BACKEND } from '../support/sessions.ts';
import {
  changeStatus,
  createCustomer,
  createVariant,
  createVendor,
  type OrderRef,
  placed,
  signUp,
  succeed,
} from '../support/shop.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { halfUp } from './model/pricing.ts';
import { parameters, timeout } from './runs.ts';

const db = await createTestDatabase('property_vendors');
const { sql } = db;
const RUNS = 40;

/** Seller 0 is the house; the others are vendors: two that somebody owns, one that nobody does. */
const sellers = 4;

const line = fc.record({
  seller: fc.nat({ max: sellers - 1 }),
  quantity: fc.integer({ min: 1, max: 7 }),
  price: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 100_000 })),
  taxRateBp: fc.constantFrom(0, 700, 1900, 10_000),
});

const history = fc.record({
  lines: fc.array(line, { minLength: 1, maxLength: 5 }),
  rates: fc.tuple(
    ...Array.from({ length: sellers }, () =>
      fc.oneof(fc.constantFrom(0, 1, 1000, 9999, 10_000), fc.integer({ min: 0, max: 10_000 })),
    ),
  ),
  discountBp: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 10_000 })),
  pricesIncludeTax: fc.boolean(),
  /** Each refund takes so many units of a line, as far as there are any. */
  refunds: fc.array(
    fc.record({ line: fc.nat({ max: 4 }), units: fc.integer({ min: 1, max: 4 }) }),
    {
      maxLength: 10,
    },
  ),
  /** How many of them come before the delivery. */
  early: fc.nat({ max: 3 }),
});

type History = typeof history extends fc.Arbitrary<infer Plan> ? Plan : never;

interface Line {
  number: number;
  vendor: string | null;
  quantity: bigint;
  price: bigint;
  discount: bigint;
  tax: bigint;
  rate: bigint;
}

/** What the first units of a line are worth to its vendor. */
function shareOf(line: Line, units: bigint, pricesIncludeTax: boolean): bigint {
  const netOf = (n: bigint) => line.price * n - (line.discount * n) / line.quantity;
  const whole = netOf(line.quantity);
  const tax = whole === 0n ? 0n : halfUp(line.tax * netOf(units), whole);
  const base = netOf(units) - (pricesIncludeTax ? tax : 0n);
  return base - halfUp(base * line.rate, 10_000n);
}

async function openShop({ lines, rates, discountBp, pricesIncludeTax }: History) {
  await sql`update settings set value = to_jsonb(${pricesIncludeTax}::boolean) where key = 'prices_include_tax'`;
  const owners = [await signUp(sql), await signUp(sql)];
  const vendors = await Promise.all(
    rates.slice(1).map((rateBp, index) => createVendor(sql, { owner: owners[index], rateBp })),
  );
  const customer = await createCustomer(sql, { balance: 10_000_000 });
  const items: [string, number][] = [];
  for (const { seller, quantity, price, taxRateBp } of lines) {
    const variant = await createVariant(sql, { stock: 10, price, vendor: vendors[seller - 1] });
    await sql`update products set tax_rate_bp = ${taxRateBp} where id = (select product_id from variants where id = ${variant})`;
    items.push([variant, quantity]);
  }
  const code = `OFF${customer.slice(0, 8).toUpperCase()}`;
  if (discountBp > 0)
    await sql`insert into discount_codes (code, kind, percent_bp) values (${code}, 'percent', ${discountBp})`;
  const order = await placed(sql, customer, items, {
    p_discount_code: discountBp > 0 ? code : undefined,
  });
  await succeed(sql, changeStatus(BACKEND, order, 'pending', 'processing'));
  await succeed(sql, changeStatus(BACKEND, order, 'processing', 'shipped'));
  return { order, customer, vendors, owners, rates };
}

/** The lines as they were sold; their discounts and taxes are the business of other properties. */
async function linesOf(order: OrderRef, vendors: string[], rates: number[]): Promise<Line[]> {
  const rows = await sql<{ line_number: number; vendor_id: string | null; figures: string[] }[]>`
    select line_number, vendor_id, array[quantity, unit_price_amount, discount_amount, tax_amount]::text[] as figures
    from order_items where order_id = ${order.id} order by line_number`;
  return rows.map(({ line_number: number, vendor_id: vendor, figures }) => {
    const [quantity = 0n, price = 0n, discount = 0n, tax = 0n] = figures.map(BigInt);
    const rate = BigInt(vendor === null ? 10_000 : (rates[vendors.indexOf(vendor) + 1] ?? 0));
    return { number, vendor, quantity, price, discount, tax, rate };
  });
}

test(
  'each vendor holds exactly what the units that were not refunded are worth, whatever the split, and nothing when all went back',
  async () => {
    const property = fc.asyncProperty(history, async (plan) => {
      const { order, customer, vendors, owners, rates } = await openShop(plan);
      const lines = await linesOf(order, vendors, rates);
      const refunded = new Map(lines.map(({ number }) => [number, 0n]));

      const held = (vendor: string) =>
        lines
          .filter((one) => one.vendor === vendor)
          .map(
            (one) =>
              shareOf(one, one.quantity, plan.pricesIncludeTax) -
              shareOf(one, refunded.get(one.number) ?? 0n, plan.pricesIncludeTax),
          )
          .reduce((sum, share) => sum + share, 0n);
      const expectShares = async () => {
        const shares = await sql<{ share: number; wallet: number }[]>`
          select coalesce(e.share_amount - e.clawed_back_amount, 0) as share,
                 coalesce(a.available_balance, 0) as wallet
          from unnest(${vendors}::uuid[]) with ordinality v (id, position)
          join vendors d on d.id = v.id
          left join vendor_earnings e on e.vendor_id = v.id and e.order_id = ${order.id}
          left join accounts a on a.user_id = d.owner_user_id
          order by v.position`;
        const expected = vendors.map((vendor) => Number(held(vendor)));
        expect(shares.map(({ share }) => share)).toEqual(expected);
        expect(shares.map(({ wallet }) => wallet)).toEqual(
          vendors.map((_, index) => (index < owners.length ? expected[index] : 0)),
        );
        const [payable] = await sql`
          select coalesce(sum(case when p.credit_account = 'vendor_payable' then p.amount else -p.amount end), 0)::bigint as amount
          from postings p join accounts a on a.id = p.account_id
          where a.user_id = ${customer} and 'vendor_payable' in (p.debit_account, p.credit_account)`;
        expect(payable?.amount).toBe(expected.reduce((sum, share) => sum + share, 0));
      };
      const refund = async (number: number, units: bigint) => {
        await succeed(sql, {
          actor: BACKEND,
          procedure: 'ledger_refund_order',
          args: {
            p_order_id: order.id,
            p_lines: [{ line_number: number, quantity: Number(units) }],
          },
        });
        refunded.set(number, (refunded.get(number) ?? 0n) + units);
      };

      const steps: (() => Promise<void>)[] = plan.refunds.map(
        ({ line: index, units }) =>
          async () => {
            const one = lines[index % lines.length];
            if (!one || (await isOver())) return;
            const left = one.quantity - (refunded.get(one.number) ?? 0n);
            const wanted = BigInt(units);
            if (left > 0n) await refund(one.number, left < wanted ? left : wanted);
          },
      );
      // when all that costs something went back the order is over, whatever free units are left
      const isOver = async () => {
        const [row] = await sql`select status from orders where id = ${order.id}`;
        return row?.status === 'refunded';
      };

      for (const step of steps.slice(0, plan.early)) await step();
      await succeed(sql, changeStatus(BACKEND, order, 'shipped', 'delivered'));
      await expectShares();
      for (const step of steps.slice(plan.early)) {
        await step();
        await expectShares();
      }
      if (!(await isOver()))
        await succeed(sql, changeStatus(BACKEND, order, 'delivered', 'refunded'));
      for (const { number, quantity } of lines) refunded.set(number, quantity);
      expect(vendors.map(held)).toEqual(vendors.map(() => 0n));
      await expectShares();
    });
    await fc.assert(property, parameters(RUNS));
    await expectBooksInOrder(sql);
  },
  timeout(RUNS),
);
