import fc from 'fast-check';
import { expect, test } from 'vitest';
import { startCrowd, testThatBooksAreInOrder } from '../support/crowd.ts';
import { LIFECYCLE_PROCEDURES, LIFECYCLE_REFUSALS, lifecycle } from '../support/lifecycle.ts';
import { rounds } from '../support/rounds.ts';
import { createCustomer, createStaff, createVariant, refer } from '../support/shop.ts';

/*
 * Orders are reserved, placed, edited, paid, shipped, returned, refunded and cancelled at once, on a few
 * variants and by a few customers, who also own vendors and refer each other. SEED repeats the
 * choices of a run (not its timing).
 */
const WORKERS = 16;
const CALLS = 30;
const SEED = Number(process.env.SEED ?? '1');

const { db, crowd } = await startCrowd('lifecycle_at_once', WORKERS);
/** Procedures that did something, in all rounds. */
const done = new Set<string>();

async function play(round: number): Promise<void> {
  const { sql } = db;
  const staff = await createStaff(sql, 'admin');
  const customers = await Promise.all(
    Array.from({ length: 5 }, () => createCustomer(sql, { balance: 40_000 })),
  );
  for (const [i, customer] of customers.entries()) {
    await refer(sql, customers[(i + 1) % customers.length] ?? '', customer);
  }
  const variants = await Promise.all(
    Array.from({ length: 5 }, () => createVariant(sql, { stock: 50, price: 700 })),
  );
  // the first two are a vendor's, whose owner is a customer too; one is spread, one on backorder
  const [vendor] = await sql`
    insert into vendors (name, owner_user_id, platform_rate_bp) values ('Mugs', ${customers[0] ?? ''}, 1500) returning id`;
  await sql`
    update products p set vendor_id = ${vendor?.id} from variants v
    where v.product_id = p.id and v.id = any (${variants.slice(0, 2)}::uuid[])`;
  await sql`update variants set backorder_allowed = true where id = ${variants[2] ?? ''}`;
  await sql`select ledger_spread_stock(${variants[3] ?? ''}, 4)`;

  const callOf = lifecycle({ sql, staff, customers, variants });
  const plans = fc.sample(fc.array(fc.nat(1_000_000), { minLength: CALLS, maxLength: CALLS }), {
    seed: SEED * 1000 + round,
    numRuns: WORKERS,
  });
  const refusals = new Set<string>();
  await crowd.work(
    plans.map((plan) => async (perform) => {
      for (const number of plan) {
        const call = await callOf(number);
        if (!call) continue;
        const answer = await perform(call);
        if (answer.success) done.add(call.procedure);
        else refusals.add(answer.error_code ?? 'none');
      }
    }),
  );

  expect([...refusals].filter((code) => !LIFECYCLE_REFUSALS.includes(code))).toEqual([]);
  expect([...(await sql`select * from ledger.book_differences()`)]).toEqual([]);
  const overpaid = await sql`
    select order_number from orders where refunded_amount > paid_amount or credited_amount > total_amount`;
  expect([...overpaid]).toEqual([]);
}

test.for(rounds(2))(
  'reservations, edits, cancellations, refunds and placements at once leave every sum right (round %i)',
  play,
);

test('every procedure of the life of an order got its turn', async () => {
  const missing = () => LIFECYCLE_PROCEDURES.some((procedure) => !done.has(procedure));
  // some need what others leave at the right moment: a few more rounds then
  for (let round = 1001; missing() && round <= 1010; round++) await play(round);
  expect([...done].sort()).toEqual(expect.arrayContaining(LIFECYCLE_PROCEDURES));
});

testThatBooksAreInOrder(db, crowd);
