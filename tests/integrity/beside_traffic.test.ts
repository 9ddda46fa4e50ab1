import { afterAll, expect, test } from 'vitest';
import { connect } from '../support/connection.ts';
import { startCrowd } from '../support/crowd.ts';
import { openTraffic } from './traffic.ts';

/*
 * Runs of the checks, the verification of seals, the replay and the plans of repairs beside full traffic: what
 * one procedure has written is seen whole or not at all, so none of them ever finds anything. Then one unit
 * is stolen, and the next run names it.
 */
const WORKERS = 10;
const RUNS = 10;

const { db, crowd } = await startCrowd('beside_traffic', WORKERS);
const traffic = await openTraffic(db.sql);
// the auditor does not queue for the connections of the traffic
const sql = connect(db.server.url('postgres', db.name), 1);
afterAll(() => sql.end());

/** Lets everybody act for as long as the work takes; answers how many calls a second did something. */
async function beside(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  const before = traffic.done();
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
  return ((traffic.done() - before) / (performance.now() - started)) * 1000;
}

interface Finding {
  check_code: string;
  subject: string;
  expected: string;
  found: string;
}

async function findingsOf(scope: string, accountId: string | null = null): Promise<Finding[]> {
  const [answer] = await sql<{ success: boolean; error_message: string; findings: Finding[] }[]>`
    select r.success, r.error_message, r.findings
    from integrity_run(p_scope => ${scope}, p_account_id => ${accountId}) r`;
  if (!answer?.success) throw new Error(`the run was refused: ${answer?.error_message}`);
  return answer.findings;
}

async function problemsOfSeals(): Promise<unknown[]> {
  const [answer] = await sql<{ is_complete: boolean; problems: unknown[] }[]>`
    select v.is_complete, v.problems from integrity_verify_seals() v`;
  if (!answer?.is_complete) throw new Error('the seals were not verified to their end');
  return answer.problems;
}

async function differencesOfReplay(): Promise<unknown[]> {
  const [answer] = await sql<{ differences: number; not_recorded: number; rows: unknown[] }[]>`
    select r.differences, r.not_recorded, r.rows from integrity_replay(p_all => true) r`;
  expect(answer).toMatchObject({ not_recorded: 0 });
  return answer?.rows ?? [];
}

/** What the last run asks a repair or a person for; and the job, which only looks while the flag is dry. */
async function plansOfRepairs(): Promise<unknown[]> {
  await sql`select ledger.reconcile()`;
  const [answer] = await sql<{ plans: unknown[]; for_people: unknown[] }[]>`
    select p.plans, p.for_people from reconciliation_plan() p`;
  return [...(answer?.plans ?? []), ...(answer?.for_people ?? [])];
}

test('ten runs of each scope, of the seals, of the replay and of the plans beside full traffic find nothing', async () => {
  await sql`select ledger_set_flag('active_reconciliation', 'dry')`;
  const found: unknown[] = [];
  const beginning = performance.now();
  const along = await beside(async () => {
    for (let run = 0; run < RUNS; run++) {
      found.push(...(await findingsOf('all')));
      found.push(...(await findingsOf('changed')));
      found.push(...(await findingsOf('account', traffic.accountOf(run))));
      await sql`select ledger.seal_events()`;
      found.push(...(await problemsOfSeals()));
      found.push(...(await differencesOfReplay()));
      found.push(...(await plansOfRepairs()));
    }
  });
  expect(found).toEqual([]);
  const seconds = (performance.now() - beginning) / 1000;
  const alone = await beside(() => traffic.untilDone(500));
  console.log(
    `calls a second: ${along.toFixed(0)} beside ${RUNS} rounds of runs that took ${seconds.toFixed(1)} s, ${alone.toFixed(0)} alone`,
  );
  expect(traffic.refused()).toEqual([]);
});

/** As somebody with the right to do anything could: past the guards. */
async function steal(variant: string): Promise<void> {
  await sql.begin(async (thief) => {
    await thief`select set_config('ledger.procedure', 'theft', true)`;
    await thief`update stock_levels set on_hand = on_hand - 1 where variant_id = ${variant} and on_hand > held`;
  });
}

test('what is stolen in the midst of it is named by the next run, and nothing else', async () => {
  const variant = traffic.variant();
  await beside(async () => {
    expect(await findingsOf('all')).toEqual([]);
    await steal(variant);
    const found = await findingsOf('all');
    expect(new Set(found.map(({ subject }) => subject.split(/[ /]/, 1)[0]))).toEqual(
      new Set([variant]),
    );
    expect(found.map(({ check_code }) => check_code)).toContain('stock_equals_movements');
  });
});
