import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../local/database/supabase-cli.ts';
import type { PostgresServer } from '../../local/postgres/postgres.ts';
import { startScheduler } from '../../local/scheduler.ts';
import { closeAtEnd } from '../support/at-end.ts';
import { emptyProject } from './support.ts';

closeAtEnd();

let server: PostgresServer;
let sql: postgres.Sql;

beforeAll(async () => {
  server = await emptyProject();
  sql = postgres(server.url('postgres'), { max: 1, onnotice: () => {} });
}, 60_000);

afterAll(() => sql.end());

beforeEach(async () => {
  await sql`drop schema if exists ledger cascade`.simple();
});

async function scheduleEverySecond(command: string): Promise<void> {
  await sql.unsafe(`
    create schema ledger;
    create table ledger.runs (by text not null default current_user);
    ${sqlFile('scheduled_jobs')}
    ${sqlFile('run_job')}
  `);
  await addJob('job', command);
}

function sqlFile(name: string): string {
  return readFileSync(join(PROJECT_ROOT, 'sql/foundation', `${name}.sql`), 'utf8');
}

async function addJob(name: string, command: string): Promise<void> {
  await sql`
    insert into ledger.scheduled_jobs (name, schedule, command, description)
    values (${name}, '1 second', ${command}, '')
  `;
}

async function runs(): Promise<number> {
  const [row] = await sql<{ runs: number }[]>`select count(*)::int as runs from ledger.runs`;
  return row?.runs ?? 0;
}

test('a schedule that means nothing is told of and keeps no other job from its turns', async () => {
  await scheduleEverySecond('insert into ledger.runs default values');
  await sql`
    insert into ledger.scheduled_jobs (name, schedule, command, description)
    values ('a wrong one', '99 99 * * *', 'select 1', '')
  `;
  const lines: string[] = [];
  const scheduler = await startScheduler(server.url('postgres'), (line) => lines.push(line));
  await expect.poll(runs, { timeout: 5_000 }).toBeGreaterThanOrEqual(1);
  await scheduler.stop();
  expect(lines).toEqual([
    expect.stringMatching(/^job "a wrong one" cannot be scheduled at "99 99 \* \* \*": /),
  ]);
});

test('a job runs at its times, as postgres, until the scheduler stops', async () => {
  await scheduleEverySecond('insert into ledger.runs default values');
  const scheduler = await startScheduler(server.url('postgres'), () => {});
  await expect.poll(runs, { timeout: 5_000 }).toBeGreaterThanOrEqual(2);
  await scheduler.stop();
  expect(await sql`select distinct by from ledger.runs`).toEqual([{ by: 'postgres' }]);
  const [connections] = await sql`
    select count(*)::int as others from pg_stat_activity
    where usename = 'postgres' and pid <> pg_backend_pid()
  `;
  expect(connections).toEqual({ others: 0 });
}, 20_000);

test('a job that fails is reported by name and runs again at its next time', async () => {
  await scheduleEverySecond('select no_such_function()');
  const lines: string[] = [];
  const scheduler = await startScheduler(server.url('postgres'), (line) => lines.push(line));
  await expect.poll(() => lines.length, { timeout: 5_000 }).toBeGreaterThanOrEqual(2);
  await scheduler.stop();
  expect(lines[0]).toBe('job "job" failed: function no_such_function() does not exist (42883)');
  expect(await sql`select last_error from ledger.scheduled_jobs`).toEqual([
    { last_error: 'function no_such_function() does not exist (42883)' },
  ]);
}, 20_000);

test('a job that is switched off meanwhile does not run', async () => {
  await scheduleEverySecond('insert into ledger.runs default values');
  await addJob('other', 'select wrong()');
  await sql`update ledger.scheduled_jobs set enabled = false where name = 'job'`;
  const lines: string[] = [];
  const scheduler = await startScheduler(server.url('postgres'), (line) => lines.push(line));
  // The other job proves that the turn of both has come.
  await expect.poll(() => lines.length, { timeout: 5_000 }).toBeGreaterThanOrEqual(1);
  await scheduler.stop();
  expect(await runs()).toBe(0);
}, 20_000);

test('a database without jobs has nothing to do', async () => {
  const scheduler = await startScheduler(server.url('postgres'), () => {});
  await scheduler.stop();
});
