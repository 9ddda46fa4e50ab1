import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type postgres from 'postgres';
import { z } from 'zod';

const runId = z.uuid();

/** A cell that begins like this is a formula to a spreadsheet, whoever wrote it into the older system. */
const asText = (cell: string) =>
  `case when ${cell} ~ '^[=+@\t\r\n＝＋＠－-]' then '''' || ${cell} else ${cell} end`;

/**
 * Writes the rejected rows of runs as CSV, each with field, reason, and the row as it came; it is made to be
 * opened in a spreadsheet.
 */
export async function writeRejects(sql: postgres.Sql, runs: string[], path: string): Promise<void> {
  // COPY takes no parameters
  const list = runs.map((run) => `'${runId.parse(run)}'`).join(', ');
  const copy = await sql
    .unsafe(
      `copy (
        select r.kind, j.row_number, j.field, j.code, ${asText('j.message')} as message,
               ${asText('j.value')} as value, w.data as row
        from public.import_rejects j
        join public.import_runs r on r.id = j.run_id
        join public.import_rows w on w.run_id = j.run_id and w.row_number = j.row_number
        where j.run_id in (${list})
        order by r.created_at, j.row_number, j.field
      ) to stdout with (format csv, header, force_quote (message, value, row))`,
    )
    .readable();
  await pipeline(copy, createWriteStream(path));
}
