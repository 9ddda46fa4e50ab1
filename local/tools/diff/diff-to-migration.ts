import { randomUUID } from 'node:crypto';
import type { PostgresServer } from '../../postgres/postgres.ts';
import { describeDifferences, differences } from './differences.ts';
import { migrationText, writeMigration } from './migration-file.ts';
import { databaseFromMigrations, databaseFromSql } from './scratch.ts';

export interface DiffResult {
  /** The migration written, if there was something to write. */
  path?: string;
  /** What still differs with it; empty when the migrations give what `sql/` says. */
  remaining: string;
}

/** Writes the migration that brings the migrations up to `sql/`, and proves that it does. */
export async function diffToMigration(
  server: PostgresServer,
  root: string,
  name: string,
): Promise<DiffResult> {
  const run = randomUUID().slice(0, 8);
  const wanted = await databaseFromSql(server, `sql_${run}`, root);
  const present = await databaseFromMigrations(server, `migrations_${run}`, root);
  const found = await differences(present, wanted, root);
  if (describeDifferences(found) === '') return { remaining: '' };

  const text = migrationText(root, found);
  // Facts that pg-delta cannot write leave an empty migration: a place to write them by hand.
  const path = writeMigration(root, name, text);
  const after = await databaseFromMigrations(server, `result_${run}`, root).catch(
    (cause: Error) => {
      throw new Error(`${path} was written, but does not apply: mend it.\n${cause.message}`);
    },
  );
  return { path, remaining: describeDifferences(await differences(after, wanted, root)) };
}
