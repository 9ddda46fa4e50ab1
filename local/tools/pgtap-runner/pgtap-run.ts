import { statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { globSync } from 'tinyglobby';
import { withConnection } from '../../database/bootstrap.ts';
import { runFile, SqlFileError } from '../../database/load-sql.ts';
import { PROJECT_ROOT } from '../../database/supabase-cli.ts';
import { readTap, type TapReport } from './tap.ts';

const TESTS = join(PROJECT_ROOT, 'tests', 'database');

/** They make the helpers in schema `tests`; pg_prove runs them first as well, for their names. */
const setupFiles = () => globSync('000-*.sql', { cwd: TESTS, absolute: true }).sort();

export interface TapFile extends TapReport {
  /** Relative to tests/database. */
  name: string;
  /** What the file printed. */
  lines: string[];
}

/** The test files below the folders, or the files, that are named; all of them if none is. */
export function listTestFiles(paths: string[] = []): string[] {
  return (paths.length > 0 ? paths : [TESTS])
    .flatMap((path) =>
      statSync(path).isDirectory()
        ? globSync('**/*.test.sql', { cwd: path, absolute: true })
        : [resolve(path)],
    )
    .sort();
}

/** Runs test files on a database that has pgTAP, each in a session of its own. */
export async function* runTestFiles(databaseUrl: string, files: string[]): AsyncGenerator<TapFile> {
  for (const file of setupFiles()) await withConnection(databaseUrl, (sql) => runFile(sql, file));
  for (const file of files) yield await runTestFile(databaseUrl, file);
}

async function runTestFile(databaseUrl: string, file: string): Promise<TapFile> {
  const lines: string[] = [];
  const name = relative(TESTS, file);
  try {
    await withConnection(databaseUrl, (sql) =>
      runFile(sql, file, (rows) => lines.push(...rows.flatMap(textOf))),
    );
    return { name, lines, ...readTap(lines) };
  } catch (error) {
    if (!(error instanceof SqlFileError)) throw error;
    return { name, lines, ...readTap(lines), problem: error.message };
  }
}

/** As psql prints it unadorned: a row a line, and a failed assertion is several. */
function textOf(row: Record<string, unknown>): string[] {
  return Object.values(row).flatMap((value) => String(value ?? '').split('\n'));
}
