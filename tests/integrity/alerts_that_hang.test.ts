import { beforeEach, expect, test } from 'vitest';
import { connect, type Sql } from '../support/connection.ts';
import { createTestDatabase } from '../support/test-database.ts';

/** Rules and metrics that take for ever: what pgTAP, which is one statement's time, cannot show. */
const { sql, server, name: database } = await createTestDatabase('alerts_that_hang');

beforeEach(async () => {
  await sql`
    insert into alert_rules (code, severity, unit, limit_value, description, query) values
      ('a_shops_own', 'warning', 'count', 0, '', 'select ''x'', 1 from pg_sleep(30)'),
      ('b_real', 'error', 'count', 0, '', 'select ''y'', 5'),
      ('c_real', 'error', 'count', 0, '', 'select ''z'', 6')
  `;
  await sql`update ledger.scheduled_jobs set time_limit = '1 second' where name in ('check alerts', 'take kpi snapshot')`;
  return async () => {
    await sql`delete from alert_rules where is_own`;
    await sql`select ledger.check_alerts()`;
  };
});

/** A turn of a job as its scheduler sends it. */
async function turn(job: string): Promise<string> {
  const [row] = await sql<{ command: string }[]>`select ledger.job_command(${job}) as command`;
  const worker = connect(server.url('postgres', database), 1);
  try {
    await worker.unsafe(row?.command ?? '');
  } finally {
    await worker.end({ timeout: 1 });
  }
  const [run] = await sql<{ last_error: string | null }[]>`
    select last_error from ledger.scheduled_jobs where name = ${job}
  `;
  return run?.last_error ?? 'done';
}

async function open(): Promise<string[]> {
  const alerts = await sql<{ alert: string }[]>`
    select rule_code || ' ' || subject as alert from alerts
    where status <> 'resolved' and (rule_code in ('b_real', 'c_real') or rule_code = 'rule_cannot_be_asked')
    order by 1
  `;
  return alerts.map(({ alert }) => alert);
}

test('a rule that hangs is told of and asked last, and the others are asked in the next turn', async () => {
  expect(await turn('check alerts')).toBe('done');
  expect(await open()).toEqual(['rule_cannot_be_asked a_shops_own']);
  expect(await turn('check alerts')).toBe('done');
  expect(await open()).toEqual(['b_real y', 'c_real z', 'rule_cannot_be_asked a_shops_own']);
});

test('what was found before a rule hung is kept', async () => {
  await sql`update alert_rules set code = 'bb_hangs' where code = 'a_shops_own'`;
  expect(await turn('check alerts')).toBe('done');
  expect(await open()).toEqual(['b_real y', 'rule_cannot_be_asked bb_hangs']);
  await sql`delete from alert_rules where code = 'bb_hangs'`;
  expect(await turn('check alerts')).toBe('done');
  expect(await open()).toEqual(['b_real y', 'c_real z']);
});

test('a rule that waits for a lock gives up, and the others are asked', async () => {
  await sql`create table public.gauges (subject text, value bigint)`;
  await sql`update alert_rules set query = 'select subject, value from public.gauges' where code = 'a_shops_own'`;
  await sql`update ledger.scheduled_jobs set time_limit = '1 minute' where name = 'check alerts'`;
  const keeper: Sql = connect(server.url('postgres', database), 1);
  await keeper`begin`;
  await keeper`lock table public.gauges in access exclusive mode`;
  expect(await turn('check alerts')).toBe('done');
  expect(await open()).toEqual(['b_real y', 'c_real z', 'rule_cannot_be_asked a_shops_own']);
  await keeper`rollback`;
  await keeper.end({ timeout: 1 });
});

test('a rule that hangs does not hold back the sealer', async () => {
  const running = turn('check alerts');
  await expect
    .poll(async () => {
      const [row] = await sql<{ writes: boolean }[]>`
        select backend_xid is not null as writes from pg_stat_activity
        where wait_event = 'PgSleep' and datname = current_database()
      `;
      return row?.writes;
    })
    .toBe(false);
  await running;
});

test('a metric that hangs says so and is asked last, and the others are kept', async () => {
  await sql`
    insert into ledger.kpi_metrics (name, unit, description, query)
    values ('a_slow_one', 'count', '', 'select ''a_slow_one'', 1, null::jsonb from pg_sleep(30)')
  `;
  const kept = async () => {
    const rows = await sql<{ metric: string; sqlstate: string | null }[]>`
      select metric, details ->> 'sqlstate' as sqlstate from kpi_snapshots
      where taken_at = (select max(taken_at) from kpi_snapshots) order by metric
    `;
    return [...rows];
  };
  expect(await turn('take kpi snapshot')).toBe('done');
  expect(await kept()).toEqual([{ metric: 'a_slow_one', sqlstate: '57014' }]);
  expect(await turn('take kpi snapshot')).toBe('done');
  const [metrics] = await sql<{ count: number }[]>`select count(*) from ledger.kpi_metrics`;
  expect(await kept()).toHaveLength(metrics?.count ?? 0);
});

test('after a pause of the whole shop every job has its time anew, and one that stays dead is told of', async () => {
  await sql`delete from alert_rules where is_own`;
  const silent = async () => {
    const rows = await sql<{ subject: string }[]>`
      select subject from alerts where rule_code = 'job_silent' and status <> 'resolved'
    `;
    return rows.map(({ subject }) => subject);
  };
  await sql`update ledger.scheduled_jobs set time_limit = '1 minute' where name = 'check alerts'`;
  await sql`
    update ledger.scheduled_jobs set watched_since = now() - interval '9 days',
      last_succeeded_at = now() - interval '4 hours'
  `;
  expect(await turn('check alerts')).toBe('done');
  expect(await turn('check alerts')).toBe('done');
  expect(await silent()).toEqual([]);
  await sql`
    update ledger.scheduled_jobs set watched_since = now() - interval '20 minutes' where name = 'seal events'
  `;
  expect(await turn('check alerts')).toBe('done');
  expect(await silent()).toEqual(['seal events']);
});
