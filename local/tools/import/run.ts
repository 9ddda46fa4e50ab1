import type postgres from 'postgres';
import { z } from 'zod';
import type { CsvFile } from './csv-file.ts';

const count = z.coerce.number();
/** Minor units; what a double cannot hold comes as a text. */
const sum = z.coerce.bigint();
const refusal = {
  success: z.boolean(),
  error_code: z.string().nullable(),
  error_message: z.string().nullable(),
};
const begun = z.object({ ...refusal, run_id: z.string().nullable() });
const given = z.object({ ...refusal, done: z.boolean() });
const progress = z.object({
  ...refusal,
  run_id: z.string().nullable(),
  kind: z.string().nullable(),
  state: z.string().nullable(),
  staged_rows: count,
  applied_rows: count,
  skipped_rows: count,
  rejected_rows: count,
  done: z.boolean().nullable(),
});
const report = z.object({
  ...refusal,
  run_id: z.string().nullable(),
  kind: z.string().nullable(),
  source_name: z.string().nullable(),
  currency: z.string().nullable(),
  state: z.string().nullable(),
  staged_rows: count,
  applied_rows: count,
  skipped_rows: count,
  rejected_rows: count,
  sums: z.record(z.string(), sum).nullable(),
  rejects: z
    .array(
      z.object({
        code: z.string(),
        field: z.string(),
        rows: count,
        examples: z.array(
          z.object({ row: count, value: z.string().nullable(), message: z.string() }),
        ),
      }),
    )
    .nullable(),
  analysis: z
    .looseObject({ possible_duplicates: z.object({ rows: count, amount: sum }).optional() })
    .nullable(),
});

export type ImportProgress = z.infer<typeof progress>;
export type ImportReport = z.infer<typeof report>;

/** The procedures of an import, one after the other; a refusal is thrown as it is worded. */
export function importsOn(sql: postgres.Sql) {
  const one = async <T extends { success: boolean; error_message: string | null }>(
    schema: z.ZodType<T>,
    query: Promise<postgres.Row[]>,
  ): Promise<T> => {
    const answer = schema.parse((await query)[0]);
    if (!answer.success) throw new Error(answer.error_message ?? 'refused');
    return answer;
  };
  const json = (value: unknown) => JSON.stringify(value);
  return {
    async begin(kind: string, source: string, options: unknown): Promise<string> {
      const { run_id } = await one(
        begun,
        sql`select * from public.import_begin(${kind}, ${source}, ${json(options)}::text::jsonb)`,
      );
      if (run_id === null) throw new Error('import_begin answered no run');
      return run_id;
    },
    stage: (run: string, firstRow: number, rows: unknown[], isLast: boolean) =>
      one(
        progress,
        sql`select * from public.import_stage(${run}, ${firstRow}, ${json(rows)}::text::jsonb, ${isLast})`,
      ),
    analyze: (run: string) =>
      one(z.object(refusal), sql`select * from public.import_analyze(${run})`),
    apply: (run: string, dryRun: boolean, limit: number) =>
      one(progress, sql`select * from public.import_apply(${run}, ${dryRun}, ${limit})`),
    report: (run: string) => one(report, sql`select * from public.import_report(${run})`),
    /** A batch of giving up; with `voided` of what the run brought in as well. */
    abort: (run: string, voided: boolean) =>
      one(given, sql`select * from public.import_abort(${run}, p_void => ${voided})`),
  };
}

export type Imports = ReturnType<typeof importsOn>;

export interface Watch {
  /** Rows and bytes of the file that are staged. */
  staged(rows: number, bytes: number, size: number): void;
  /** Rows that are done, of all there are. */
  applied(done: number, total: number): void;
  line(text: string): void;
  /** Whether somebody wants it to stop; asked between batches. */
  stopped(): boolean;
}

export class Stopped extends Error {}

const APPLY_ROWS = 2000;

/** Stages a file, from its beginning: what is staged already stays as it is. */
export async function stageFile(imports: Imports, run: string, file: CsvFile, watch: Watch) {
  let rows = 0;
  for await (const batch of file.batches()) {
    if (watch.stopped()) throw new Stopped();
    await imports.stage(run, batch.firstRow, batch.rows, false);
    rows = batch.firstRow + batch.rows.length - 1;
    watch.staged(rows, batch.bytes, file.size);
  }
  await imports.stage(run, rows + 1, [], true);
}

/** Applies what is left of an analysed run, batch by batch, or looks at all of it in one. */
export async function applyRun(
  imports: Imports,
  run: string,
  dryRun: boolean,
  watch: Watch,
): Promise<ImportProgress> {
  for (;;) {
    if (watch.stopped()) throw new Stopped();
    const answer = await imports.apply(run, dryRun, APPLY_ROWS);
    const done = answer.applied_rows + answer.skipped_rows + answer.rejected_rows;
    watch.applied(done, answer.staged_rows);
    if (answer.done === true || dryRun) return answer;
  }
}
