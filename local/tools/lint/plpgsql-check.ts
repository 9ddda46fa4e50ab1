import { readFileSync } from 'node:fs';
import { withConnection } from '../../database/bootstrap.ts';
import type { PostgresServer } from '../../postgres/postgres.ts';
import type { Finding } from './findings.ts';

/** What plpgsql_check finds; nothing at all where the server does not have it. */
export function checkFunctions(
  server: PostgresServer,
  database: string,
): Promise<Finding[] | undefined> {
  const query = readFileSync(new URL('./plpgsql-check.sql', import.meta.url), 'utf8');
  return withConnection(server.url('supabase_admin', database), async (sql) => {
    const [there] = await sql`select from pg_available_extensions where name = 'plpgsql_check'`;
    if (!there) return undefined;
    await sql`create extension if not exists plpgsql_check with schema extensions`;
    await sql`set search_path = ''`; // names are said in full
    const found = await sql.unsafe<Omit<Finding, 'lint'>[]>(query);
    return found.map((finding) => ({ lint: 'plpgsql_check', ...finding }));
  });
}
