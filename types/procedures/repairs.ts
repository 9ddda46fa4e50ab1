import { z } from 'zod';
import { actorId, id, jsonObject, moment, notes, orNull, text } from '../fields.ts';
import type { Procedure } from '../procedure.ts';

const line = z.object({
  relation: z.string().describe('The table.'),
  key: jsonObject('The key of the row in it.'),
  column: z.string().nullable().describe('The column; null when it is the whole row.'),
  from: z.json().describe('What it says.'),
  to: z.json().describe('What it should say.'),
});

const lines = z.array(line).describe('What is written. Amounts in minor units.');

const action = {
  id: id('The plan, for reconciliation_apply and reconciliation_undo.'),
  checkCode: z.string().describe('The check that found it, or a drift run.'),
  repair: z.string().describe('Kind of repair, such as account_totals.'),
  subject: id('The account, order, variant, ... that is mended.'),
  accountId: orNull(id('Whose books it is in; null for the shop.')),
  plan: lines,
  diffAmount: z.int().describe('What figures change by: minor units, or units of stock.'),
};

export const repairs = {
  reconciliationPlan: {
    name: 'reconciliation_plan',
    summary: 'Plans repairs of what a run of the checks found; repairs nothing. Needs audit.read.',
    answers: 'result',
    takesIdempotencyKey: false,
    goesOn: true,
    input: z.strictObject({
      runId: id(
        'A run in reconciliation_runs; the last one of the checks when left out.',
      ).optional(),
    }),
    output: z.object({
      runId: id('The run.'),
      plans: z
        .array(z.object({ ...action, createdAt: moment('When it was planned.') }))
        .describe('Open plans for its findings.'),
      forPeople: z
        .array(
          z.object({
            checkCode: z.string().describe('The check.'),
            repair: z.string().nullable().describe('Kind of repair that was asked, if any.'),
            subject: z.string().describe('What it is about, or the first of several.'),
            findings: z.int().describe('How many findings.'),
            reason: z.string().describe('Why no repair mends it.'),
          }),
        )
        .describe('What no repair is for.'),
      leftCount: z.int().describe('Subjects beyond the first thousand.'),
    }),
  },

  reconciliationApply: {
    name: 'reconciliation_apply',
    summary:
      'Applies planned repairs within limits, or shows what that would do. Needs integrity.repair.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      dryRun: z.boolean().describe('Shows only; true when left out.').optional(),
      accountId: id('Only plans of this account.').optional(),
      actionIds: z.array(id('A plan.')).max(1000).describe('Only these plans.').optional(),
      maxRepairs: z.int().min(0).max(2_147_483_647).describe('At most so many.').optional(),
      maxAmount: z
        .int()
        .min(0)
        .describe('At most so much: minor units of all currencies and units of stock.')
        .optional(),
      reason: notes('Why; it stays beside the events.').optional(),
      actorId: actorId.optional(),
    }),
    output: z.object({
      dryRun: z.boolean().describe('Whether nothing was written.'),
      appliedCount: z.int().describe('Applied; of a dry run, those that would be.'),
      staleCount: z.int().describe('Not as planned any more.'),
      failedCount: z.int().describe('Could not be written.'),
      leftCount: z.int().describe('Beyond the limits; still planned.'),
      amount: z.int().describe('What those applied change: minor units and units of stock.'),
      flagState: z
        .enum(['off', 'dry', 'enforce'])
        .describe('State of active_reconciliation after it.'),
      actions: z
        .array(
          z.object({
            ...action,
            status: z
              .enum(['planned', 'applied', 'stale', 'failed'])
              .describe('Of a dry run, planned is what would be applied.'),
            errorCode: z.string().nullable().describe('stale, or the SQLSTATE of the failure.'),
            errorMessage: z.string().nullable().describe('Why it is stale or has failed.'),
          }),
        )
        .describe('The plans that were taken on.'),
    }),
  },

  reconciliationUndo: {
    name: 'reconciliation_undo',
    summary: 'Puts back what an applied repair has changed. Needs integrity.repair.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      actionId: id('The repair.'),
      reason: text(0, 2000, 'Why; it stays beside the event.').optional(),
      actorId: actorId.optional(),
    }),
    output: z.object({
      actionId: id('The repair.'),
      status: z.literal('undone').describe('Its status now.'),
      lines,
      eventId: z.int().describe('The event that says so.'),
    }),
  },
} as const satisfies Record<string, Procedure>;
