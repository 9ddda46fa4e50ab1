import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { withConnection } from '../../local/database/bootstrap.ts';
import { runFile } from '../../local/database/load-sql.ts';
import { PROJECT_ROOT } from '../../local/database/supabase-cli.ts';
import { type LoginRole, startPostgres } from '../../local/postgres/postgres.ts';
import { databaseFromMigrations, databaseFromSql } from '../../local/tools/diff/scratch.ts';
import { installPgtap } from '../../local/tools/pgtap-runner/pgtap-extension.ts';

/** Makes tests.book_differences(). */
const BOOKS = join(PROJECT_ROOT, 'tests', 'database', '000-books.sql');

export const TEMPLATE = 'order_ledger_template';

declare module 'vitest' {
  interface ProvidedContext {
    postgres: { port: number; dataDir: string; pid: number; urls: Record<LoginRole, string> };
  }
}

/**
 * One server a run, and on it the database that the test files get copies of: the migrations as
 * they are deployed. TEST_SCHEMA=sql takes `sql/` instead, for trying a change without a migration.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'order-ledger-test-'));
  const server = await startPostgres({ dataDir: join(folder, 'postgres'), durable: false });
  const teardown = async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  };
  try {
    const build = process.env.TEST_SCHEMA === 'sql' ? databaseFromSql : databaseFromMigrations;
    await build(server, TEMPLATE, PROJECT_ROOT);
    await installPgtap(server, TEMPLATE);
    await withConnection(server.url('postgres', TEMPLATE), (sql) => runFile(sql, BOOKS));
    await withConnection(server.url('supabase_admin'), (sql) =>
      sql.unsafe(`alter database ${TEMPLATE} is_template true allow_connections false`),
    );
  } catch (error) {
    await teardown();
    throw error;
  }
  const { port, dataDir, pid } = server;
  project.provide('postgres', {
    port,
    dataDir,
    pid,
    urls: {
      postgres: server.url('postgres'),
      supabase_admin: server.url('supabase_admin'),
      authenticator: server.url('authenticator'),
      supabase_auth_admin: server.url('supabase_auth_admin'),
    },
  });
  return teardown;
}
