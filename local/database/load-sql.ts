import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import { withConnection } from './bootstrap.ts';
import { listSqlFiles } from './sql-files.ts';
import { type Statement, splitStatements } from './sql-statements.ts';
import { PROJECT_ROOT } from './supabase-cli.ts';

/** Applies `sql/` to an empty database, all or nothing. */
export async function loadSql(
  databaseUrl: string,
  sqlDir = join(PROJECT_ROOT, 'sql'),
): Promise<void> {
  const { structure, data } = listSqlFiles(sqlDir);
  await withConnection(databaseUrl, async (sql) => {
    await sql.begin(async (transaction) => {
      for (const file of [...structure, ...data]) {
        await runFile(transaction, join(sqlDir, file));
      }
    });
  });
}

/** Runs a file's statements one by one; an error says in which file and line. */
export async function runFile(
  sql: Pick<postgres.Sql, 'unsafe'>,
  path: string,
  onRows: (rows: Record<string, unknown>[]) => void = () => {},
): Promise<void> {
  for (const statement of await splitStatements(path, readFileSync(path, 'utf8'))) {
    try {
      onRows(await sql.unsafe(statement.text).simple());
    } catch (error) {
      if (!(error instanceof postgres.PostgresError)) throw error;
      throw new SqlFileError(describe(error, path, statement), { cause: error });
    }
  }
}

/** What the database said of a statement, with the place of the statement. */
export class SqlFileError extends Error {}

function describe(error: postgres.PostgresError, path: string, statement: Statement): string {
  // The position counts characters, and a JavaScript string counts UTF-16 units.
  const before = [...statement.text].slice(0, Number(error.position ?? 0)).join('');
  const line = statement.line + before.split('\n').length - 1;
  return [
    `${path}:${line}: ${error.message} (${error.code})`,
    ...(error.detail ? [error.detail] : []),
    ...(error.hint ? [`hint: ${error.hint}`] : []),
    ...(error.internal_query ? [`in: ${error.internal_query}`] : []),
    ...(error.where ? [error.where] : []),
  ].join('\n');
}
