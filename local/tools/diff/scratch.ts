import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootstrapDatabase } from '../../database/bootstrap.ts';
import { loadSql } from '../../database/load-sql.ts';
import { migrate } from '../../database/migrate.ts';
import { type PostgresServer, startPostgres } from '../../postgres/postgres.ts';

/** A server that lives as long as the work that is done on it. */
export async function withScratchServer<T>(
  work: (server: PostgresServer) => Promise<T>,
  options: { binDir?: string } = {},
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'order-ledger-'));
  try {
    const server = await startPostgres({
      ...options,
      dataDir: join(folder, 'postgres'),
      durable: false,
    });
    try {
      return await work(server);
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A new database with a project's `sql/`; gives its URL. */
export async function databaseFromSql(
  server: PostgresServer,
  name: string,
  root: string,
): Promise<string> {
  await bootstrapDatabase(server, name);
  await loadSql(server.url('postgres', name), join(root, 'sql'));
  return server.url('postgres', name);
}

/** A new database with a project's migrations; gives its URL. */
export async function databaseFromMigrations(
  server: PostgresServer,
  name: string,
  root: string,
): Promise<string> {
  await bootstrapDatabase(server, name);
  await migrate(server.url('postgres', name), root);
  return server.url('postgres', name);
}
