import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { withConnection } from './bootstrap.ts';
import { PROJECT_ROOT, supabaseCli } from './supabase-cli.ts';

/** Applies what is new in `supabase/migrations`, as a deployment does. */
export async function migrate(databaseUrl: string, workdir = PROJECT_ROOT): Promise<void> {
  await supabaseCli(['migration', 'up', '--include-all', `--remote=${databaseUrl}`], { workdir });
}

/** Applies `supabase/seed.sql`: the demo data of a fresh local database. */
export async function seed(databaseUrl: string, workdir = PROJECT_ROOT): Promise<void> {
  const file = join(workdir, 'supabase', 'seed.sql');
  if (!existsSync(file)) return;
  await withConnection(databaseUrl, async (sql) => {
    await sql.begin((transaction) => transaction.unsafe(readFileSync(file, 'utf8')));
  });
}
