import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listSqlFiles } from '../../database/sql-files.ts';
import type { Differences } from './differences.ts';

const migrationsDir = (root: string) => join(root, 'supabase', 'migrations');

export function listMigrations(root: string): string[] {
  mkdirSync(migrationsDir(root), { recursive: true });
  return readdirSync(migrationsDir(root))
    .filter((file) => file.endsWith('.sql'))
    .sort();
}

function withHeadings(root: string, files: string[]): string {
  return files
    .map((file) => `-- sql/${file}\n\n${readFileSync(join(root, 'sql', file), 'utf8').trim()}\n`)
    .join('\n');
}

/** Rows of the schema refuse hands: a migration says that it is none while it writes them. */
const asMigration = (rows: string) =>
  `set ledger.procedure = 'migration';\n\n${rows}\nreset ledger.procedure;\n`;

/**
 * What a migration says. The first one is `sql/` itself in load order, with its comments and its
 * order of columns; later ones are what changed, and the data files whose rows did.
 */
export function migrationText(root: string, found: Differences): string {
  if (listMigrations(root).length === 0) {
    const { structure, data } = listSqlFiles(join(root, 'sql'));
    return withHeadings(root, [...structure, ...data]);
  }
  const rows = withHeadings(root, found.dataFiles);
  return [found.schema, rows && asMigration(rows)].filter(Boolean).join('\n');
}

/** Writes a migration that comes after those there are; gives its path. */
export function writeMigration(root: string, name: string, text: string, now = new Date()): string {
  const stamp = Number(now.toISOString().replace(/\D/g, '').slice(0, 14));
  const last = Number.parseInt(listMigrations(root).at(-1) ?? '0', 10);
  const path = join(migrationsDir(root), `${Math.max(stamp, last + 1)}_${name}.sql`);
  writeFileSync(path, text);
  return path;
}
