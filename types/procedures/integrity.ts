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

  integrityRun: {
    name: 'integrity_run',
    summary: 'Runs the checks of the books and keeps what they find. Needs audit.read.',
    answers: 'result',
    takesIdempotencyKey: false,
    goesOn: true,
    input: z.strictObject({
      codes: z
        .array(z.string())
        .min(1)
        .optional()
        .describe('Checks to run, rows of integrity_checks; all that are enabled otherwise.'),
      scope: z
        .enum(['all', 'changed', 'account'])
        .optional()
        .describe('Everything, what has changed since the last run (the default), or one account.'),
      accountId: id('The account of scope account.').optional(),
    }),
    output: z.object({
      run: z
        .object({
          id: id('The run.'),
          checkCode: z.literal('books').describe('What was checked.'),
          scope: z.enum(['all', 'changed', 'account']).describe('What it looked at.'),
          status: z
            .enum(['OK', 'WARN', 'FAIL'])
            .describe('OK without a finding, WARN with warnings only.'),
          accounts: z.int().describe('Accounts it looked at.'),
          differingAccounts: z.int().describe('Of these, accounts with a finding.'),
          expectedAmount: signedAmount('What was booked there, minor units over all currencies.'),
          diffAbs: amount('What the findings differ by.'),
          diffRatioPpm: z.int().describe('diffAbs to expectedAmount, in millionths.'),
          limitPpm: z.int().describe('0: any difference fails.'),
          findings: z.int().describe('Rows that offend.'),
          horizon: z
            .int()
            .nullable()
            .describe('Transaction id where the next run of what has changed begins.'),
          details: jsonObject('Findings by check, and milliseconds by family.'),
          startedAt: moment('When it began.'),
          createdAt: moment('When it was kept.'),
        })
        .describe('The run.'),
      findings: z
        .array(
          z.object({
            id: id('The finding.'),
            checkCode: z.string().describe('Which check found it.'),
            severity: z.enum(['critical', 'error', 'warning']).describe('How bad it is.'),
            subject: z.string().describe('What it is about.'),
            accountId: id('Whose books it is in.').nullable(),
            expected: z.string().nullable().describe('What one side says.'),
            found: z.string().nullable().describe('What the other side says.'),
            diffAmount: z.int().nullable().describe('What they differ by, where they are numbers.'),
          }),
        )
        .describe('The first 1000, by check and subject.'),
    }),
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
