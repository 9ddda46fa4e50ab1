import { z } from 'zod';
import {
  actorId,
  availableBalance,
  currency,
  id,
  metadata,
  notes,
  signedAmount,
  text,
  transactionId,
} from '../fields.ts';
import type { Procedure } from '../procedure.ts';

const accountCurrency = currency('Currency of the account; the shop default when left out.');

export const ledger = {
  creditAccount: {
    name: 'ledger_credit_account',
    summary: "Credits a customer's wallet. Needs accounts.credit, for adjustments accounts.adjust.",
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      userId: id('The customer.'),
      amount: signedAmount('What is credited: above zero, only an adjustment may be below.'),
      type: z
        .enum(['deposit', 'earning', 'bonus', 'adjustment'])
        .describe('Why it is credited; a deposit when left out.')
        .optional(),
      currency: accountCurrency.optional(),
      notes: notes('Why, for the account statement.').optional(),
      metadata: metadata.optional(),
      actorId: actorId.optional(),
    }),
    output: z.object({
      transactionId,
      accountId: id('The account.'),
      amount: signedAmount('What was credited.'),
      currency: currency('Currency of the account.'),
      availableBalance,
    }),
  },

  freezeAccount: {
    name: 'ledger_freeze_account',
    summary:
      'Freezes an account, so that nothing can be spent or withdrawn, or releases it. Needs accounts.freeze.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      userId: id('The customer.'),
      frozen: z.boolean().describe('true freezes, false releases.'),
      reason: text(0, 1000, 'Why; a freeze needs one.').optional(),
      currency: accountCurrency.optional(),
      actorId: actorId.optional(),
    }),
    output: z.object({
      transactionId,
      accountId: id('The account.'),
      frozen: z.boolean().describe('Whether it is frozen now.'),
    }),
  },
} as const satisfies Record<string, Procedure>;
