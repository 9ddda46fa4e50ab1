import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../local/database/supabase-cli.ts';
import { type PostgresServer, startPostgres } from '../../local/postgres/postgres.ts';
import { databaseFromMigrations, databaseFromSql } from '../../local/tools/diff/scratch.ts';
import { expectBooksInOrder } from '../support/books.ts';
import { connect, type Sql } from '../support/connection.ts';
import { analyze, applyAll, beginAndStage, someCustomers, textFile } from './text_payments.ts';

/*
 * A durable server of its own is killed while an import is applied: what was committed stays, the batch
 * that was under way is not half there, and the next calls bring in the rest, once.
 */
const DATABASE = 'shop';
const BATCHES_BEFORE_THE_END = 3;

const folder = mkdtempSync(join(tmpdir(), 'order-ledger-import-'));
const dataDir = join(folder, 'postgres');
let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({ dataDir });
  const build = process.env.TEST_SCHEMA === 'sql' ? databaseFromSql : databaseFromMigrations;
  await build(server, DATABASE, PROJECT_ROOT);
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

async function withShop<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = connect(server.url('postgres', DATABASE), 2);
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 0 });
  }
}

test('an import goes on where it was when the server was killed', async () => {
  const file = textFile(2_000, await withShop((sql) => someCustomers(sql, 5)));
  const runId = await withShop(async (sql) => {
    const id = await beginAndStage(sql, file.rows, 'interrupted');
    await analyze(sql, id);
    return id;
  });

  const pids = await withShop(async (sql) => {
    const connection = await sql.reserve();
    for (let batch = 0; batch < BATCHES_BEFORE_THE_END; batch += 1) {
      await connection`select import_apply(${runId}, p_limit => 100)`;
    }
    const rows = await sql<{ pid: number }[]>`
      select pid from pg_stat_activity where pid is not null`;
    // one more batch is on its way when everything ends
    const last = connection`select import_apply(${runId}, p_limit => 1000)`.catch(() => 'lost');
    for (const pid of [server.pid, ...rows.map((row) => row.pid)]) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        // a process that ended of itself since
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
    expect(await last).toBe('lost');
    return rows;
  });
  expect(pids.length).toBeGreaterThan(0);

  server = await startPostgres({ dataDir });
  await withShop(async (sql) => {
    const [between] = await sql`
      select r.applied_rows, (select count(*)::int from payments) as payments, r.state from import_runs r`;
    expect(between?.state).toBe('applying');
    expect(between?.applied_rows).toBe(between?.payments);
    expect(between?.payments).toBeGreaterThan(0);
    expect(between?.payments).toBeLessThan(file.clean);
    await applyAll(sql, runId, 500);
    const [books] = await sql`
      select count(*)::int as payments, sum(amount)::bigint as total from payments`;
    expect(books).toEqual({ payments: file.clean, total: file.total });
    await expectBooksInOrder(sql);
  });
});
