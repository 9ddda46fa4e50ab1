import { z } from 'zod';
import { amount, currency, signedAmount } from '../fields.ts';
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
