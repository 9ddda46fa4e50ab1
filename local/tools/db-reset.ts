import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { readConfig } from '../config.ts';
import { bootstrapDatabase, withConnection } from '../database/bootstrap.ts';
import { migrate, seed } from '../database/migrate.ts';
import { PROJECT_ROOT } from '../database/supabase-cli.ts';
import { lockData } from '../lock.ts';
import { startPostgres } from '../postgres/postgres.ts';
import { runCommand } from './run-command.ts';

/** Empties the database of a stack that is not running, and fills it as a first start does. */
async function reset(dataDir: string): Promise<void> {
  const databaseDir = join(dataDir, 'postgres');
  if (!existsSync(databaseDir)) {
    throw new Error(`there is no database in ${dataDir}: npm start makes one`);
  }
  const lock = await lockData(dataDir);
  try {
    const { db } = await readConfig();
    const server = await startPostgres({ dataDir: databaseDir, port: db.port });
    try {
      await withConnection(
        server.url('supabase_admin', 'template1'),
        (sql) => sql`drop database if exists postgres with (force)`,
      );
      await bootstrapDatabase(server);
      await migrate(server.url('postgres'));
      await seed(server.url('postgres'));
    } finally {
      await server.stop();
    }
  } finally {
    await lock.release();
  }
}

await runCommand(
  new Command('db:reset')
    .description('make the local database anew from migrations and seed; the stack must be stopped')
    .option('--data <folder>', 'data folder of the stack', join(PROJECT_ROOT, '.data'))
    .action(async ({ data }: { data: string }) => {
      await reset(resolve(data));
      console.log('done; npm start makes the demo users again');
    }),
);
