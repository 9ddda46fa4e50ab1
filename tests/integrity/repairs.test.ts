import { afterAll, expect, test } from 'vitest';
import { connect, type Sql } from '../support/connection.ts';
import { startCrowd, testThatBooksAreInOrder } from '../support/crowd.ts';
import { rounds } from '../support/rounds.ts';
import { backendOf } from '../support/sessions.ts';
import { cancel, createCustomer, createVariant, placed, succeed } from '../support/shop.ts';
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
const ended = await Promise.all([0, 1, 2, 3, 4, 5].map(endedOrder));
const url = db.server.url('postgres', db.name);
const two: [Sql, Sql] = [connect(url, 1), connect(url, 1)];
afterAll(() => Promise.all(two.map((connection) => connection.end())));

/**
 * An order of a busy account that ended before the others began, so that none of them acts on it any more: who
 * wrote an event of it while it is wrong would put the wrong status on record, and that is not for a repair.
 */
async function endedOrder(number: number): Promise<string> {
  const [account] = await sql<{ user_id: string }[]>`
    select user_id from accounts where id = ${traffic.accountOf(number)}`;
  const customer = account?.user_id ?? '';
  const order = await placed(sql, customer, [[traffic.variant(), 1]]);
  await succeed(sql, cancel(customer, order.id));
  return order.id;
}

/** What somebody could do who went round the guards: to quiet accounts and stock, and to ended orders of busy accounts. */
async function corrupt(): Promise<void> {
  await sql.begin(async (hand) => {
    await hand`select set_config('ledger.procedure', 'hand', true)`;
    await hand`update accounts set total_earned = total_earned + 40 where user_id = any (${quiet})`;
    await hand`update stock_levels set on_hand = on_hand + 2 where variant_id = any (${variants})`;
    const wrong = await hand`
      update orders set payment_status = 'unpaid' where id = any (${ended}) and payment_status = 'refunded' returning id`;
    expect(wrong).toHaveLength(ended.length);
  });
}

interface Plan {
  id: string;
  repair: string;
}

/** Plans until nothing is left: what somebody is at work on, or takes too long, is planned when it is asked again. */
async function plan(): Promise<Plan[]> {
  await sql`select ledger.run_checks()`;
  for (;;) {
    const [answer] = await sql<{ plans: Plan[]; left_count: number }[]>`
      select p.plans, p.left_count from reconciliation_plan() p`;
    if (!answer?.left_count) return answer?.plans ?? [];
  }
}

interface Applied {
  success: boolean;
  applied_count: number;
  failed_count: number;
  stale_count: number;
  left_count: number;
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
    expect(await plan(), 'what was undone is not planned again').toEqual([]);
    await corrupt();
    const again = await plan();
    expect(again.filter(({ repair }) => repair === 'stock_levels')).toHaveLength(applied.length);
    expect((await apply(sql))?.applied_count).toBe(again.length);
  });
});

/** Waits until a backend has to wait for a lock. */
async function untilWaiting(pid: number): Promise<void> {
  for (const end = Date.now() + 20_000; Date.now() < end; ) {
    const waiting = await sql`
      select from pg_stat_activity where pid = ${pid} and wait_event_type = 'Lock'`;
    if (waiting.length > 0) return;
  }
  throw new Error('it does not wait');
}

test('who plans and applies in one transaction and who applies meanwhile wait, and do not deadlock', async () => {
  const [person, job] = two;
  await corrupt();
  await plan();
  const [last] = await sql<{ id: string }[]>`
    select subject as id from reconciliation_actions
    where status = 'planned' and repair = 'account_totals' order by id desc limit 1`;
  await sql.begin(async (hand) => {
    await hand`select set_config('ledger.procedure', 'hand', true)`;
    await hand`update accounts set total_earned = total_earned + 1 where id = ${last?.id ?? ''}`;
  });
  await sql`select ledger.run_checks()`;
  const pid = await backendOf(person);
  let applying: Promise<Applied | undefined> | undefined;
  const answer = await job.begin(async (work) => {
    await work`
      select ledger.plan_repairs(r) from (select n from reconciliation_runs n order by n.id desc limit 1) l (r)`;
    applying = apply(person);
    applying.catch(() => undefined);
    await untilWaiting(pid);
    return (await work<Applied[]>`select * from reconciliation_apply(false)`)[0];
  });
  expect(answer).toMatchObject({ failed_count: 0, stale_count: 0 });
  expect(await applying).toMatchObject({ applied_count: 0, failed_count: 0, stale_count: 0 });
  expect(await plan()).toEqual([]);
});

test('who switches repairs off stops the one that waits for an account', async () => {
  const [person, customer] = two;
  await corrupt();
  const planned = await plan();
  const pid = await backendOf(person);
  let applying: Promise<Applied | undefined> | undefined;
  await customer.begin(async (work) => {
    await work`select from accounts where user_id = ${quiet[0] ?? ''} for update`;
    applying = apply(person);
    applying.catch(() => undefined);
    await untilWaiting(pid);
    await sql`select ledger_set_flag('active_reconciliation', 'off')`;
  });
  expect(await applying).toMatchObject({
    applied_count: 0,
    left_count: planned.length,
    flag_state: 'off',
  });
  await sql`select ledger_set_flag('active_reconciliation', 'dry')`;
  await sql`select ledger.run_checks()`;
  await sql`select ledger_set_flag('active_reconciliation', 'enforce')`;
  expect((await apply(sql))?.applied_count).toBe(planned.length);
});

testThatBooksAreInOrder(db, crowd);
