import { afterEach, beforeEach, expect, test } from 'vitest';
import { sealEverything } from '../support/books.ts';
import { connect, type Sql } from '../support/connection.ts';
import { createCustomer } from '../support/shop.ts';
import { createTestDatabase } from '../support/test-database.ts';

/** Jobs on connections of their own: one that waits at a gate is one that takes long. */
const { sql, session, server, name: database } = await createTestDatabase('job_runs');
const GATE = 'pg_advisory_xact_lock(77, 1)';

beforeEach(async () => {
  await sql`create table public.notes (note text)`;
  await sql`
    insert into ledger.scheduled_jobs (name, schedule, command, description)
    values ('test', '* * * * *', ${`select ${GATE}`}, '')
  `;
});

afterEach(async () => {
  await sql`delete from ledger.scheduled_jobs where name = 'test'`;
  await sql`drop table public.notes`;
});

async function setCommand(command: string): Promise<void> {
  await sql`update ledger.scheduled_jobs set command = ${command} where name = 'test'`;
}

async function run(connection: Sql = sql): Promise<string> {
  const [row] = await connection<{ outcome: string }[]>`select ledger.run_job('test') as outcome`;
  return row?.outcome ?? '';
}

async function state(): Promise<Record<string, unknown>> {
  const [row] = await sql`
    select runs, failures, failures_in_a_row, skipped, last_error,
      last_succeeded_at is not null as succeeded, running_since is not null as running
    from ledger.jobs where name = 'test'
  `;
  return { ...row };
}

/** A job that stands at the gate, and the way to let it go on. */
async function startedJob() {
  const keeper = await session('service_role');
  const worker = connect(server.url('postgres', database), 1);
  const [{ pid } = { pid: 0 }] = await worker<{ pid: number }[]>`select pg_backend_pid() as pid`;
  await keeper`reset role`;
  await keeper`select pg_advisory_lock(77, 1)`;
  const outcome = run(worker).catch((error: Error) => error.message);
  await expect
    .poll(async () => {
      const [row] = await sql`
        select wait_event_type from pg_stat_activity where pid = ${pid}
      `;
      return row?.wait_event_type;
    })
    .toBe('Lock');
  const open = () => keeper`select pg_advisory_unlock(77, 1)`;
  return { pid, outcome, open, end: () => worker.end({ timeout: 1 }) };
}

test('a job that overlaps itself is left out and counted, and runs again afterwards', async () => {
  const job = await startedJob();
  expect(await state()).toMatchObject({ running: true, runs: 0 });
  expect(await run()).toBe('skipped');
  expect(await run()).toBe('skipped');
  await job.open();
  expect(await job.outcome).toBe('done');
  await job.end();
  expect(await state()).toMatchObject({ runs: 1, skipped: 2, succeeded: true, running: false });
  expect(await run()).toBe('done');
});

test('a job whose session is killed leaves nothing, and nothing stands in the way of the next', async () => {
  const job = await startedJob();
  await sql`select pg_terminate_backend(${job.pid})`;
  expect(await job.outcome).toMatch(/terminating connection|CONNECTION/);
  await job.end();
  await job.open();
  expect(await state()).toMatchObject({ runs: 0, succeeded: false, running: false });
  expect(await run()).toBe('done');
  expect(await state()).toMatchObject({ runs: 1, succeeded: true });
});

test('a job that fails is rolled back, and its failure is kept', async () => {
  await setCommand(
    `insert into public.notes values ('half done'); select 1 / (select count(*) from public.notes where note = 'none')`,
  );
  expect(await run()).toBe('failed');
  expect(await run()).toBe('failed');
  expect(await state()).toMatchObject({
    runs: 2,
    failures: 2,
    failures_in_a_row: 2,
    last_error: 'division by zero (22012)',
    succeeded: false,
  });
  expect(await sql`select from public.notes`).toHaveLength(0);

  await setCommand(`insert into public.notes values ('done')`);
  expect(await run()).toBe('done');
  expect(await state()).toMatchObject({ failures: 2, failures_in_a_row: 0, last_error: null });
  expect(await sql`select from public.notes`).toHaveLength(1);
});

test('a job that gives up waiting for a lock has its next turn, and has neither failed nor succeeded', async () => {
  await sql`
    create function public.gives_up() returns void language plpgsql set lock_timeout = '50ms' as
    'begin insert into public.notes values (''half done''); lock table public.kept; end'
  `;
  await sql`create table public.kept ()`;
  await setCommand('select public.gives_up()');
  const reader = connect(server.url('postgres', database), 1);
  await reader`begin`;
  await reader`select from public.kept`;
  expect(await run()).toBe('skipped');
  expect(await state()).toMatchObject({
    runs: 0,
    failures: 0,
    skipped: 1,
    last_error: null,
    succeeded: false,
  });
  expect(await sql`select from public.notes`).toHaveLength(0);
  await reader`rollback`;
  await reader.end({ timeout: 1 });
  expect(await run()).toBe('done');
  await sql`drop function public.gives_up()`;
  await sql`drop table public.kept`;
});

test('what a job leaves to be checked at its commit is its failure, too', async () => {
  await sql`
    create table public.pairs (
      id integer primary key,
      other integer references public.pairs (id) deferrable initially deferred
    )
  `;
  await setCommand('insert into public.pairs values (1, 2)');
  expect(await run()).toBe('failed');
  expect(await state()).toMatchObject({ failures: 1, last_error: expect.stringMatching('23503') });
  await sql`drop table public.pairs`;
});

test('a job that takes longer than its limit is ended and has failed', async () => {
  await setCommand(`insert into public.notes values ('slow'); select pg_sleep(60)`);
  await sql`update ledger.scheduled_jobs set time_limit = '1 second' where name = 'test'`;
  const [job] = await sql<{ command: string }[]>`select ledger.job_command('test') as command`;
  await using worker = {
    sql: connect(server.url('postgres', database), 1),
    [Symbol.asyncDispose]: () => worker.sql.end({ timeout: 1 }),
  };
  await worker.sql.unsafe(job?.command ?? '');
  expect(await state()).toMatchObject({
    failures: 1,
    last_error: 'canceling statement due to statement timeout (57014)',
  });
  expect(await sql`select from public.notes`).toHaveLength(0);
});

test("the limit of the role that runs a job does not end it before the job's own", async () => {
  await setCommand('select pg_sleep(0.3)');
  const [job] = await sql<{ command: string }[]>`select ledger.job_command('test') as command`;
  const worker = connect(server.url('postgres', database), 1);
  await worker`set statement_timeout = '50ms'`;
  await worker.unsafe(job?.command ?? '');
  await worker.end({ timeout: 1 });
  expect(await state()).toMatchObject({ runs: 1, failures: 0, succeeded: true });
});

test('a row that somebody keeps locked by hand does not keep the job and its locks from ending', async () => {
  await setCommand(`insert into public.notes values ('done')`);
  const hands = connect(server.url('postgres', database), 1);
  await hands`begin`;
  await hands`update ledger.scheduled_jobs set description = 'mine' where name = 'test'`;
  expect(await run()).toBe('done');
  expect(await sql`select from public.notes`).toHaveLength(1);
  await hands`rollback`;
  await hands.end({ timeout: 1 });
  expect(await state()).toMatchObject({ runs: 0 });
});

test('a job that only reads does not hold back the sealer while it runs', async () => {
  await sealEverything(sql);
  await setCommand(`select count(*) from public.accounts, ${GATE}`);
  const job = await startedJob();
  await createCustomer(sql, { balance: 10 });
  // A transaction of any other database holds it back too, but not for long.
  const sealed = async () => (await sql`select ledger.seal_events() as events`)[0]?.events;
  await expect.poll(sealed, { timeout: 10_000 }).toBeGreaterThan(0);
  await job.open();
  expect(await job.outcome).toBe('done');
  await job.end();
});

test('pg_cron gets every job that is on, in place of what it had before, and loses the others', async () => {
  const admin = connect(server.url('supabase_admin', database), 1);
  await admin`set allow_system_table_mods = on`;
  await admin`
    insert into pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
    values (1, 'pg_cron', 10, 11, false, '1.6')
  `;
  // What cron.schedule and cron.unschedule do, for one user and one database.
  await sql.unsafe(`
    create schema cron;
    create table cron.job (
      jobid bigint primary key generated always as identity, jobname text unique, schedule text,
      command text, database text default current_database(), username text default current_user
    );
    create function cron.schedule(text, text, text) returns bigint language sql as $$
      insert into cron.job (jobname, schedule, command) values ($1, $2, $3)
      on conflict (jobname) do update set schedule = excluded.schedule, command = excluded.command
      returning jobid
    $$;
    create function cron.unschedule(bigint) returns boolean language sql as $$
      delete from cron.job where jobid = $1 returning true
    $$;
    insert into cron.job (jobname, schedule, command) values
      ('order-ledger seal events', '* * * * *', 'select ledger.seal_events()'),
      ('order-ledger of an older release', '* * * * *', 'select ledger.gone()'),
      ('somebody''s own', '* * * * *', 'select 1');
  `);
  await sql`update ledger.scheduled_jobs set enabled = false where name = 'test'`;
  for (let time = 0; time < 2; time++) {
    const [{ handed } = { handed: 0 }] = await sql<
      { handed: number }[]
    >`select ledger.schedule_jobs() as handed`;
    const wanted = await sql`
      select 'order-ledger ' || name as jobname, schedule,
        'set statement_timeout = ' || (extract(epoch from time_limit) * 1000)::integer
          || '; select ledger.run_job(' || quote_literal(name) || ')' as command
      from ledger.scheduled_jobs where enabled
    `;
    const there = await sql`select jobname, schedule, command from cron.job`;
    expect(handed).toBe(wanted.length);
    expect(new Set(there.map((job) => JSON.stringify(job)))).toEqual(
      new Set(
        [...wanted, { jobname: "somebody's own", schedule: '* * * * *', command: 'select 1' }].map(
          (job) => JSON.stringify(job),
        ),
      ),
    );
  }
  await sql`drop schema cron cascade`;
  await admin`delete from pg_extension where extname = 'pg_cron'`;
  await admin.end();
});
