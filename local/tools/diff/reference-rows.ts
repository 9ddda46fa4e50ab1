import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'libpg-query';
import { withConnection } from '../../database/bootstrap.ts';
import { listSqlFiles } from '../../database/sql-files.ts';

interface Insert {
  schema: string;
  table: string;
  columns: string[];
}

/** What a file of reference rows writes: the tables, and the columns it names. */
async function insertsOf(path: string): Promise<Insert[]> {
  const { stmts = [] } = (await parse(readFileSync(path, 'utf8'))) as ParsedInserts;
  return stmts.map(({ stmt: { InsertStmt: insert } }) => {
    const columns = insert?.cols?.map((column) => column.ResTarget.name);
    if (!insert?.relation.schemaname || !columns) {
      throw new Error(
        `${path}: rows of reference are written by "insert into schema.table (columns)" alone`,
      );
    }
    return { schema: insert.relation.schemaname, table: insert.relation.relname, columns };
  });
}

interface ParsedInserts {
  stmts?: {
    stmt: {
      InsertStmt?: {
        relation: { schemaname?: string; relname: string };
        cols?: { ResTarget: { name: string } }[];
      };
    };
  }[];
}

/** The rows of a table, by the columns named; null where there is no such table or column. */
function rowsOf(databaseUrl: string, { schema, table, columns }: Insert): Promise<string | null> {
  return withConnection(databaseUrl, async (sql) => {
    const [present] = await sql`
      select count(*)::int as columns from pg_attribute
      where attrelid = to_regclass(format('%I.%I', ${schema}::text, ${table}::text))
        and attname = any(${columns}::name[])
    `;
    if (present?.columns !== columns.length) return null;
    const [all] = await sql<{ rows: string | null }[]>`
      select string_agg(to_jsonb(r)::text, chr(10) order by to_jsonb(r)::text) as rows
      from (select ${sql(columns)} from ${sql(schema)}.${sql(table)}) r
    `;
    return all?.rows ?? '';
  });
}

/**
 * The data files whose rows are not the same in two databases. Columns a file leaves to their
 * defaults are not compared, for a default may be the time.
 */
export async function differingDataFiles(
  fromUrl: string,
  toUrl: string,
  sqlDir: string,
): Promise<string[]> {
  const differing: string[] = [];
  for (const file of listSqlFiles(sqlDir).data) {
    for (const insert of await insertsOf(join(sqlDir, file))) {
      if ((await rowsOf(fromUrl, insert)) !== (await rowsOf(toUrl, insert))) {
        differing.push(file);
        break;
      }
    }
  }
  return differing;
}
