import { z } from 'zod';
import {
  actorId,
  amount,
  currency,
  id,
  jsonObject,
  moment,
  signedAmount,
  text,
} from '../fields.ts';
import type { Procedure } from '../procedure.ts';

export const integrity = {
  checkBooks: {
    name: 'integrity_check_books',
    summary: 'Where two sides of the books differ; no rows when all is right. Needs audit.read.',
    answers: 'rows',
    input: z.strictObject({}),
    row: z.object({
      checkCode: z.string().describe('Which check found it.'),
      subject: z.string().describe('The account, order, variant, ... that it is about.'),
      expected: z.string().nullable().describe('What one side says.'),
      found: z.string().nullable().describe('What the other side says.'),
    }),
    orderBy: ['checkCode', 'subject'],
  },

  verifySeals: {
    name: 'integrity_verify_seals',
    summary:
      'Recomputes the seals over the events; a row for each that does not hold. Needs audit.read.',
    answers: 'rows',
    input: z.strictObject({
      sealNumber: z.int().min(1).describe('A seal whose hash was kept elsewhere.').optional(),
      hash: z.string().describe('That hash, from its events.sealed message, as hex.').optional(),
    }),
    row: z.object({
      sealNumber: z
        .int()
        .nullable()
        .describe('Counts from 1; null for events that no seal covers.'),
      eventCount: z.int().describe('Events it covers.'),
      problem: z.string().describe('What does not hold.'),
    }),
    orderBy: ['sealNumber'],
  },

  checkDrift: {
    name: 'integrity_check_drift',
    summary:
      'Compares debts with their cache and the old flags, and keeps the runs. Needs audit.read.',
    answers: 'result',
    takesIdempotencyKey: false,
    goesOn: true,
    input: z.strictObject({}),
    output: z.object({
      runs: z
        .array(
          z.object({
            id: id('The run.'),
            checkCode: z.enum(['debt_cache', 'old_flags']).describe('What was compared.'),
            status: z.enum(['OK', 'WARN', 'FAIL']).describe('OK without any difference.'),
            accounts: z.int().describe('Accounts compared.'),
            differingAccounts: z.int().describe('Of these, accounts that differ.'),
            expectedAmount: signedAmount('What they owe, minor units over all currencies.'),
            diffAbs: amount('What they differ by, minor units over all currencies.'),
            diffRatioPpm: z.int().describe('diffAbs to expectedAmount, in millionths.'),
            limitPpm: z.int().describe('Beyond this a run fails.'),
            details: jsonObject('Figures by currency, and the first accounts that differ.'),
            startedAt: moment('When it began.'),
            createdAt: moment('When it was kept.'),
          }),
        )
        .describe('One run for each check.'),
    }),
  },

  setFlag: {
    name: 'ledger_set_flag',
    summary: 'Switches a feature flag, within its rules. Needs flags.set.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      key: text(1, 100, 'The flag, such as allocation_read_switch.'),
      state: text(1, 100, 'One of its allowed states, such as off, canary or full.'),
      percentage: z
        .int()
        .min(0)
        .max(100)
        .describe('Share of accounts for canary; 0 when left out.')
        .optional(),
      reason: text(0, 2000, 'Why; it stays in the event.').optional(),
      actorId: actorId.optional(),
    }),
    output: z.object({
      key: z.string().describe('The flag.'),
      state: z.string().describe('Its state now.'),
      percentage: z.int().describe('Its percentage now.'),
      previousState: z.string().describe('Its state before.'),
      previousPercentage: z.int().describe('Its percentage before.'),
    }),
  },

  trialBalance: {
    name: 'report_trial_balance',
    summary: 'Debits and credits per currency and account of the chart. Needs accounts.read.',
    answers: 'rows',
    input: z.strictObject({}),
    row: z.object({
      currency: currency('Currency.'),
      chartAccount: z.string().describe('Code of the account in the chart.'),
      name: z.string().describe('Its name.'),
      debitAmount: amount('Sum of its debits.'),
      creditAmount: amount('Sum of its credits.'),
      balanceAmount: signedAmount("Balance, positive on the account's normal side."),
    }),
    orderBy: ['currency', 'chartAccount'],
  },
} as const satisfies Record<string, Procedure>;
