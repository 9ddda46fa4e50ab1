import fc from 'fast-check';
import { expect, test } from 'vitest';
import { startCrowd, testThatBooksAreInOrder } from '../support/crowd.ts';
import { rounds } from '../support/rounds.ts';
import { BACKEND, type Call } from '../support/sessions.ts';
import {
  cancel,
  changeStatus,
  createCustomer,
  createDiscountCode,
  createStaff,
  createVariant,
  createVendor,
  credit,
  type OrderRef,
  place,
  placed,
  refer,
} from '../support/shop.ts';

/*
 * Lists of orders are changed at once, the same orders in other sequences, while single orders are
 * placed, changed and cancelled on the same wallets, goods, discount codes, referrers and vendors.
 * SEED repeats the choices of a run (not its timing).
 */
const WORKERS = 12;
const CALLS = 8;
const SEED = Number(process.env.SEED ?? '1');

const { db, crowd } = await startCrowd('bulk_changes', WORKERS);

const ids = (orders: readonly OrderRef[]) => `{${orders.map((order) => order.id).join(',')}}`;

const bulk = (
  actor: string,
  orders: readonly OrderRef[],
  to: string,
  background = false,
): Call => ({
  actor,
  procedure: 'ledger_bulk_change_status',
  args: { p_order_ids: ids(orders), p_new_status: to, p_in_background: background },
});

const continueBulk = (bulkChangeId: string, limit: number): Call => ({
  actor: BACKEND,
  procedure: 'ledger_continue_bulk_change',
  args: { p_bulk_change_id: bulkChangeId, p_limit: limit },
});

const pick = <T>(list: readonly T[], number: number): T => list[number % list.length] as T;

/** Customers who refer each other, one of whom owns the vendor of half the goods. */
async function aMarket() {
  const { sql } = db;
  const customers = await Promise.all(
    Array.from({ length: 5 }, () => createCustomer(sql, { balance: 200_000 })),
  );
  for (const [i, customer] of customers.entries()) {
    await refer(sql, pick(customers, i + 1), customer);
  }
  const variants = await Promise.all(
    Array.from({ length: 4 }, () => createVariant(sql, { stock: 500, price: 700 })),
  );
  const vendor = await createVendor(sql, { owner: pick(customers, 2) });
  await sql`
    update products p set vendor_id = ${vendor} from variants v
    where v.product_id = p.id and v.id = any (${variants.slice(0, 2)}::uuid[])`;
  await sql`select ledger_spread_stock(${pick(variants, 1)}, 4)`;
  const codes = [await createDiscountCode(sql, {}), await createDiscountCode(sql, {})];
  return { customers, variants, codes };
}

const choice = fc.record({
  action: fc.integer({ min: 0, max: 99 }),
  who: fc.nat(1000),
  what: fc.nat(1000),
  order: fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], { minLength: 4 }),
  lines: fc.uniqueArray(fc.nat(3), { minLength: 1, maxLength: 3 }),
});

const NEXT = [
  'confirmed',
  'processing',
  'processing',
  'shipped',
  'delivered',
  'delivered',
  'cancelled',
  'refunded',
];

test.for(rounds(2))(
  'lists in any sequence beside single changes and placements end without a deadlock (round %i)',
  async (round) => {
    const { sql } = db;
    const admin = await createStaff(sql, 'admin');
    const { customers, variants, codes } = await aMarket();
    const orders: OrderRef[] = [];
    for (let n = 0; n < 12; n += 1) {
      orders.push(
        await placed(
          sql,
          pick(customers, n),
          [
            [pick(variants, n), 2],
            [pick(variants, n + 1), 1],
          ],
          {
            p_discount_code: pick(codes, n),
          },
        ),
      );
    }

    const plans = fc.sample(fc.array(choice, { minLength: CALLS, maxLength: CALLS }), {
      seed: SEED * 1000 + round,
      numRuns: WORKERS,
    });
    let listed = 0;
    await crowd.work(
      plans.map((plan) => async (perform) => {
        for (const { action, who, what, order, lines } of plan) {
          const recent = orders.slice(-12);
          const list = order.map((index) => pick(recent, index));
          if (action < 50) {
            await perform(bulk(admin, list, pick(NEXT, what)));
            listed += 1;
          } else if (action < 75) {
            const call = place(
              pick(customers, who),
              lines.map((line) => [pick(variants, line), 1]),
              { p_discount_code: pick(codes, what) },
            );
            const { order_id: id, total_amount: total = 0 } = await perform(call);
            if (id) orders.push({ id, customer: call.actor, total });
          } else if (action < 90) {
            const one = pick(recent, who);
            await perform(
              changeStatus(
                admin,
                one,
                pick(['pending', 'processing', 'shipped', 'delivered'], who),
                pick(NEXT, what),
              ),
            );
          } else if (action < 95) {
            const one = pick(recent, what);
            await perform(cancel(one.customer, one.id));
          } else {
            await perform(credit(pick(customers, who), 500));
          }
        }
      }),
    );

    expect(listed).toBeGreaterThan(20);
    const failures =
      await sql`select order_id, error_details from bulk_change_orders where error_code = 'bulk_item_failed'`;
    expect([...failures]).toEqual([]);
    const miscounted = await sql`
      select b.id from bulk_changes b join bulk_change_orders o on o.bulk_change_id = b.id
      group by b.id
      having b.waiting_orders <> 0 or b.succeeded_orders <> count(*) filter (where o.success)
          or b.failed_orders <> count(*) filter (where not o.success)`;
    expect([...miscounted]).toEqual([]);
    expect([...(await sql`select * from ledger.book_differences()`)]).toEqual([]);
  },
);

test('several who carry on with one list take each order once', async () => {
  const { sql } = db;
  const { customers, variants } = await aMarket();
  const orders = await Promise.all(
    Array.from({ length: 40 }, (_, n) => placed(sql, pick(customers, n), [[pick(variants, n), 1]])),
  );
  await crowd.race([bulk(BACKEND, orders, 'processing', true)]);
  const [{ id = '' } = {}] = await sql<{ id: string }[]>`
    select id from bulk_changes where waiting_orders = 40`;

  await crowd.work(
    Array.from({ length: WORKERS }, (_, n) => async (perform) => {
      for (let portion = 0; portion < 6; portion += 1) await perform(continueBulk(id, 1 + (n % 4)));
    }),
  );

  const [counts] =
    await sql`select waiting_orders, succeeded_orders, failed_orders from bulk_changes where id = ${id}`;
  expect(counts).toEqual({ waiting_orders: 0, succeeded_orders: 40, failed_orders: 0 });
  const changes = await sql`
    select order_id from transactions
    where type = 'order_status_changed' and order_id = any (${orders.map((order) => order.id)}::uuid[])`;
  expect(changes).toHaveLength(40);
});

testThatBooksAreInOrder(db, crowd);
