import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expectBooksInOrder, expectBooksStillInOrder } from '../support/books.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { type Books, remaining } from './allocations/model.ts';
import { stepLists } from './allocations/plan.ts';
import { newBooks, play } from './allocations/play.ts';
import { parameters, timeout } from './runs.ts';

const db = await createTestDatabase('property_allocations');
const { sql } = db;
const RUNS = 30;
// so that goods also go out before they are paid, as on credit
await sql`update order_status_transitions set needs_payment = false`;

/** The debt by the model, by the cache, added up, and replayed from events alone; and each invoice. */
async function expectDebt({ customer, invoices, payments }: Books, about: string) {
  const [row] = await sql`
    select coalesce(c.debt_amount, 0)::float8 as cached, coalesce(c.unapplied_amount, 0)::float8 as unapplied,
      (r.invoiced_amount - r.allocated_amount)::float8 as recomputed,
      (e.invoiced_amount - e.allocated_amount)::float8 as replayed, e.unapplied_amount::float8 as replayed_unapplied
    from accounts a
    left join account_debt_cache c on c.account_id = a.id
    cross join lateral ledger.recomputed_debts(a.id) r
    cross join lateral ledger.replayed_debts(a.id) e
    where a.user_id = ${customer}`;
  const sum = (amounts: number[]) => amounts.reduce((total, amount) => total + amount, 0);
  const debt = sum([...invoices.values()].map(remaining));
  const unapplied = sum([...payments.values()]);
  expect(row, about).toEqual({
    cached: debt,
    recomputed: debt,
    replayed: debt,
    unapplied,
    replayed_unapplied: unapplied,
  });
  const rows = await sql<{ id: string; remaining: number }[]>`
    select invoice_id as id, remaining_amount::float8 as remaining from invoice_balance_cache
    where invoice_id = any (${[...invoices.keys()]})`;
  expect(Object.fromEntries(rows.map((one) => [one.id, one.remaining])), about).toEqual(
    Object.fromEntries([...invoices].map(([id, invoice]) => [id, remaining(invoice)])),
  );
}

test(
  'whatever is issued, paid, allocated, reversed, credited, voided and refunded in whatever order: the debt is what the model says, the cache has it, events alone replay it, and the books are in order',
  async () => {
    const property = fc.asyncProperty(stepLists, async (steps) => {
      const books = await newBooks(sql);
      for (const step of steps) {
        await play(sql, books, step);
        await expectDebt(books, JSON.stringify(step));
      }
      await expectBooksStillInOrder(sql);
    });
    await fc.assert(property, parameters(RUNS));
    await expectBooksInOrder(sql);
  },
  timeout(RUNS),
);

test("every account's debt, of all runs together, is the one that its events replay", async () => {
  const rows = await sql`
    select c.account_id from account_debt_cache c
    full join ledger.replayed_debts() e on e.account_id = c.account_id
    where (c.invoiced_amount, c.allocated_amount, c.unapplied_amount)
      is distinct from (e.invoiced_amount, e.allocated_amount, e.unapplied_amount)`;
  expect([...rows]).toEqual([]);
  const [count] = await sql`select count(*)::int as accounts from account_debt_cache`;
  expect(count?.accounts).toBeGreaterThan(RUNS / 2);
});
