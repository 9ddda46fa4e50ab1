import { z } from 'zod';
import { actorId, currency, id, jsonObject, moment, signedAmount, text } from '../fields.ts';
import type { Procedure } from '../procedure.ts';

const kind = z
  .string()
  .describe('What the rows are: payments, invoices, orders, products, customers.');

const state = z
  .enum(['staging', 'staged', 'analyzed', 'applying', 'applied', 'aborted'])
  .describe('How far it is.');

const rows = (description: string) => z.int().min(0).describe(description);

const run = id('The import.');

const counts = {
  stagedRows: rows('Rows that were staged.'),
  appliedRows: rows('Of these, rows that are in the books.'),
  skippedRows: rows('Of these, rows that were imported before.'),
  rejectedRows: rows('Of these, rows that were rejected; import_rejects says why.'),
};

const progress = z.object({
  runId: run,
  kind,
  state,
  ...counts,
  done: z.boolean().describe('Whether it has ended.'),
});

const batchSize = (maximum: number, description: string) =>
  z.int().min(1).max(maximum).describe(description).optional();

export const imports = {
  importBegin: {
    name: 'import_begin',
    summary: 'Opens an import of rows of one kind. Needs imports.run.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      kind: text(1, 30, 'payments, invoices, orders, products or customers.'),
      sourceName: text(1, 200, 'Where the rows come from, such as the name of a file.'),
      options: jsonObject(
        'How the rows are to be read: currency, columns {field: column}, decimal_separator, date_format, time_zone, and what the kind knows.',
      ).optional(),
      actorId: actorId.optional(),
    }),
    output: z.object({ runId: run, kind, state, currency: currency('Currency of its amounts.') }),
  },

  importStage: {
    name: 'import_stage',
    summary: 'Stages rows as they are; the same rows again do nothing. Needs imports.run.',
    answers: 'result',
    takesIdempotencyKey: false,
    goesOn: true,
    input: z.strictObject({
      runId: run,
      firstRow: z.int().min(1).max(1_000_000_000).describe('Number of the first of these rows.'),
      rows: z
        .array(jsonObject('A row: {column: text}.'))
        .max(10_000)
        .describe('At most 10000 rows of at most 64 KB.'),
      isLast: z.boolean().describe('Whether that is all of them.').optional(),
    }),
    output: progress,
  },

  importAnalyze: {
    name: 'import_analyze',
    summary: 'Reads the staged rows and says what they would become. Needs imports.run.',
    answers: 'result',
    takesIdempotencyKey: false,
    goesOn: true,
    input: z.strictObject({
      runId: run,
      options: jsonObject("Added to the import's options before it is read anew.").optional(),
    }),
    output: z.object({
      runId: run,
      state,
      stagedRows: counts.stagedRows,
      rejectedRows: counts.rejectedRows,
      report: jsonObject('Patterns, sums and rejects; see the comment of import_analyze.'),
    }),
  },

  importApply: {
    name: 'import_apply',
    summary: 'Writes the next batch of an analysed import; call it until done. Needs imports.run.',
    answers: 'result',
    takesIdempotencyKey: false,
    goesOn: true,
    input: z.strictObject({
      runId: run,
      dryRun: z.boolean().describe('Apply all that is left, and take it back.').optional(),
      limit: batchSize(50_000, 'Rows of a batch; 5000 when left out.'),
      actorId: actorId.optional(),
    }),
    output: progress,
  },

  importBackfill: {
    name: 'import_backfill',
    summary:
      'Makes allocations of what the flags of imported payments say; call it until done. Needs imports.run.',
    answers: 'result',
    takesIdempotencyKey: false,
    goesOn: true,
    input: z.strictObject({
      runId: id('An applied import of payments; this or userId.').optional(),
      userId: id('One customer, whose payments are backfilled at once.').optional(),
      dryRun: z.boolean().describe('Plan, and change nothing.').optional(),
      limit: batchSize(10_000, 'Accounts of a step; 200 when left out.'),
      actorId: actorId.optional(),
    }),
    output: z.object({
      runId: run.nullable().describe('The import; null for a customer.'),
      backfillState: z
        .enum(['reading', 'writing', 'drifted', 'done', 'aborted'])
        .nullable()
        .describe('How far it is.'),
      mode: z.enum(['off', 'read_only', 'active']).describe('The flag ledger_backfill_mode now.'),
      allocatedAmount: signedAmount('What this call allocated; below zero for what it took back.'),
      done: z.boolean().describe('Whether it has ended.'),
      report: jsonObject('Sums and findings; see the comment of import_backfill.'),
    }),
  },

  importAbort: {
    name: 'import_abort',
    summary:
      'Ends an import and takes its synthetic allocations back; call it until done. Needs imports.run.',
    answers: 'result',
    takesIdempotencyKey: false,
    doneWhenRefusedOnRepeat: 'import_conflict',
    input: z.strictObject({
      runId: run,
      reason: text(0, 2000, 'Why.').optional(),
      void: z.boolean().describe('Also void what it brought in and nobody has used.').optional(),
      limit: batchSize(10_000, 'Rows of a step; 1000 when left out.'),
      actorId: actorId.optional(),
      onlyBackfill: z
        .boolean()
        .describe('Only take its backfill back; it stays applied.')
        .optional(),
    }),
    output: z.object({
      runId: run,
      kind,
      state,
      droppedAmount: signedAmount('What the synthetic allocations that were taken back gave.'),
      voidedRows: rows('Payments or invoices that were voided.'),
      keptRows: rows('Those that stay because they were used.'),
      done: z.boolean().describe('Whether it has ended.'),
    }),
  },

  importReport: {
    name: 'import_report',
    summary: 'All that is known of an import. Needs imports.run.',
    answers: 'result',
    takesIdempotencyKey: false,
    input: z.strictObject({ runId: run }),
    output: z.object({
      runId: run,
      kind,
      sourceName: z.string().describe('Where the rows come from.'),
      currency: currency('Currency of its amounts.'),
      state,
      ...counts,
      sums: jsonObject('Sums of the rows by their state, in minor units.'),
      rejects: z.array(z.json()).describe('Rejects by code and field, with examples.'),
      analysis: jsonObject('What the analysis found.')
        .nullable()
        .describe('What the analysis found.'),
      backfill: jsonObject('What it did.').nullable().describe('What the backfill found and did.'),
      createdAt: moment('When it was begun.'),
      analyzedAt: moment('When it was analysed.').nullable().describe('When it was analysed.'),
      appliedAt: moment('When all rows were through.')
        .nullable()
        .describe('When all rows were through.'),
      abortedAt: moment('When it was aborted.').nullable().describe('When it was aborted.'),
    }),
  },
} as const satisfies Record<string, Procedure>;
