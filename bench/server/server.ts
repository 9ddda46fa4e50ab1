import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { withConnection } from '../../local/database/bootstrap.ts';
import { PROJECT_ROOT } from '../../local/database/supabase-cli.ts';
import { type PostgresServer, startPostgres } from '../../local/postgres/postgres.ts';
import { databaseFromMigrations, databaseFromSql } from '../../local/tools/diff/scratch.ts';
import { makeWorld, type WorldSize } from '../world/world.ts';

/** Ctrl-C, or a polite kill. */
export class Interrupted extends Error {}

/**
 * A fresh server with its shipped settings, for as long as the work takes. Its folder is the
 * project's own, for a system's temporary folder may be memory, which flushes nothing.
 */
export async function withBenchServer<T>(work: (server: PostgresServer) => Promise<T>): Promise<T> {
  const interruption = expectInterruption();
  const parent = join(PROJECT_ROOT, '.tmp');
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'bench-'));
  try {
    const server = await startPostgres({ dataDir: join(folder, 'postgres') });
    try {
      return await Promise.race([work(server), interruption.came]);
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
    interruption.forget();
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Takes every signal, also the second one: npm passes on what the terminal has sent already. */
function expectInterruption(): { came: Promise<never>; forget: () => void } {
  let interrupt = () => {};
  const came = new Promise<never>((_, reject) => {
    interrupt = () => reject(new Interrupted('interrupted'));
  });
  // while the server starts nobody listens yet; the race does as soon as it has
  came.catch(() => {});
  for (const signal of SIGNALS) process.on(signal, interrupt);
  return {
    came,
    forget() {
      for (const signal of SIGNALS) process.off(signal, interrupt);
    },
  };
}

export type SchemaSource = 'migrations' | 'sql';

/** As for tests: TEST_SCHEMA=sql takes `sql/`, for trying a change without a migration. */
export const schemaSource = (): SchemaSource =>
  process.env.TEST_SCHEMA === 'sql' ? 'sql' : 'migrations';

const TEMPLATE = 'bench_template';

/** The shop with its world, of which each state gets a copy. `extraSql` is run on it at last. */
export async function makeTemplate(
  server: PostgresServer,
  size: WorldSize,
  extraSql?: string,
): Promise<void> {
  const build = schemaSource() === 'sql' ? databaseFromSql : databaseFromMigrations;
  await build(server, TEMPLATE, PROJECT_ROOT);
  await withConnection(server.url('postgres', TEMPLATE), (sql) => makeWorld(sql, size));
  await withConnection(server.url('supabase_admin', TEMPLATE), async (sql) => {
    await sql`create extension pg_walinspect schema bench`;
    if (extraSql !== undefined) await sql.unsafe(extraSql);
  });
}

/** A copy of the template under this name; the work done, it goes. */
export async function withDatabase<T>(
  server: PostgresServer,
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  return withConnection(server.url('supabase_admin'), async (sql) => {
    await sql`create database ${sql(name)} template ${sql(TEMPLATE)} strategy file_copy owner postgres`;
    try {
      return await work();
    } finally {
      await sql`drop database ${sql(name)} with (force)`;
    }
  });
}
