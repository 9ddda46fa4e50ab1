import { afterAll, expect, test } from 'vitest';
import { connect, type Sql } from '../support/connection.ts';
import { startCrowd, testThatBooksAreInOrder } from '../support/crowd.ts';
import { rounds } from '../support/rounds.ts';
import { createCustomer, createVariant } from '../support/shop.ts';
import { openTraffic } from './traffic.ts';

/*
 * Repairs beside full traffic on the same accounts, applied by two people at once: each plan is applied by one
 * of them, none fails, nobody waits for ever, and the books are right afterwards.
 */
const WORKERS = 6;
const { db, crowd } = await startCrowd('repairs', WORKERS);
const { sql } = db;
const traffic = await openTraffic(sql);
const quiet = await Promise.all([1, 2, 3].map((n) => createCustomer(sql, { balance: n * 1000 })));
const variants = await Promise.all([1, 2, 3].map((n) => createVariant(sql, { stock: n * 10 })));
const url = db.server.url('postgres', db.name);
const two: [Sql, Sql] = [connect(url, 1), connect(url, 1)];
afterAll(() => Promise.all(two.map((connection) => connection.end())));

/** What somebody could do who went round the guards: to quiet accounts and stock, and to ended orders of busy accounts. */
async function corrupt(): Promise<void> {
  await sql.begin(async (hand) => {
    await hand`select set_config('ledger.procedure', 'hand', true)`;
    await hand`update accounts set total_earned = total_earned + 40 where user_id = any (${quiet})`;
    await hand`update stock_levels set on_hand = on_hand + 2 where variant_id = any (${variants})`;
    await hand`
      update orders set payment_status = 'unpaid'
      where id in (select id from orders where status = 'cancelled' and payment_status = 'refunded' order by id desc limit 8)`;
  });
}

interface Plan {
  id: string;
  repair: string;
}

async function plan(): Promise<Plan[]> {
  await sql`select ledger.run_checks()`;
  const [answer] = await sql<{ plans: Plan[] }[]>`select p.plans from reconciliation_plan() p`;
  return answer?.plans ?? [];
}

interface Applied {
  success: boolean;
  applied_count: number;
  failed_count: number;
  stale_count: number;
  flag_state: string;
}

const apply = async (connection: Sql): Promise<Applied | undefined> =>
  (await connection<Applied[]>`select * from reconciliation_apply(false)`)[0];

const undo = async (connection: Sql, id: string): Promise<string | undefined> =>
  (
    await connection<{ outcome: string }[]>`
      select coalesce(u.error_code, u.status) as outcome from reconciliation_undo(${id}) u`
  )[0]?.outcome;

/** Lets everybody act for as long as the work takes. */
async function beside(work: () => Promise<void>): Promise<void> {
  let over = false;
  const results = await Promise.allSettled([
    work().finally(() => {
      over = true;
    }),
    crowd.work(
      Array.from({ length: WORKERS }, (_, worker) => async (perform) => {
        while (!over) {
          const call = await traffic.next(worker);
          if (call) traffic.remember(call, await perform(call));
        }
      }),
    ),
  ]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

test('two people apply the same plans beside full traffic: each is applied once and none fails', async () => {
  await sql`select ledger_set_flag('active_reconciliation', 'dry')`;
  await sql`select ledger.run_checks()`;
  await sql`select ledger_set_flag('active_reconciliation', 'enforce')`;
  await beside(async () => {
    await traffic.untilDone(300);
    for (const round of rounds(3)) {
      await corrupt();
      const planned = await plan();
      expect(new Set(planned.map(({ repair }) => repair)), `round ${round}`).toEqual(
        new Set(['account_totals', 'order_money', 'stock_levels']),
      );
      const answers = await Promise.all(two.map(apply));
      expect(answers.map((answer) => answer?.failed_count)).toEqual([0, 0]);
      expect(answers.map((answer) => answer?.stale_count)).toEqual([0, 0]);
      expect(answers.map((answer) => answer?.flag_state)).toEqual(['enforce', 'enforce']);
      expect(answers.reduce((sum, answer) => sum + Number(answer?.applied_count), 0)).toBe(
        planned.length,
      );
      expect(await plan(), `round ${round}`).toEqual([]);
    }
  });
});

test('of two people who undo the same repair one does', async () => {
  await beside(async () => {
    await corrupt();
    await plan();
    await apply(sql);
    const applied = await sql<{ id: string }[]>`
      select id from reconciliation_actions where repair = 'stock_levels' and status = 'applied' order by id desc limit 3`;
    for (const { id } of applied) {
      const outcomes = await Promise.all(two.map((connection) => undo(connection, id)));
      expect(outcomes.sort()).toEqual(['repair_not_undoable', 'undone']);
    }
    const again = await plan();
    expect(again.map(({ repair }) => repair)).toEqual(applied.map(() => 'stock_levels'));
    expect((await apply(sql))?.applied_count).toBe(applied.length);
  });
});

testThatBooksAreInOrder(db, crowd);
