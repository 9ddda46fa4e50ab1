import { z } from 'zod';
import {
  actorId,
  availableBalance,
  currency,
  customerId,
  id,
  jsonObject,
  notes,
  positiveAmount,
  text,
  transactionId,
} from '../fields.ts';
import type { Procedure } from '../procedure.ts';

export const withdrawalStatus = z
  .enum(['requested', 'approved', 'paid', 'rejected', 'cancelled'])
  .describe('Status of a withdrawal.');

const settlement = z.object({
  transactionId,
  withdrawalId: id('The withdrawal.'),
  status: withdrawalStatus,
  availableBalance,
});

export const payments = {
  requestWithdrawal: {
    name: 'ledger_request_withdrawal',
    summary: 'Holds money of the wallet until it is paid out.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      amount: positiveAmount('What is to be paid out.'),
      destination: jsonObject(
        'Where the money goes, such as {"iban": "..."}; not empty, at most 4 KB.',
      ).refine((value) => Object.keys(value).length > 0, {
        error: 'must say where the money goes',
      }),
      currency: currency('Currency of the account; the shop default when left out.').optional(),
      notes: notes("The customer's notes.").optional(),
      userId: customerId.optional(),
    }),
    output: z.object({
      transactionId,
      withdrawalId: id('The withdrawal.'),
      status: withdrawalStatus,
      amount: positiveAmount('What is held.'),
      currency: currency('Currency of the account.'),
      availableBalance,
    }),
  },

  reviewWithdrawal: {
    name: 'ledger_review_withdrawal',
    summary: 'Approves, rejects or marks as paid a withdrawal. Needs withdrawals.review.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      withdrawalId: id('The withdrawal.'),
      decision: z
        .enum(['approve', 'reject', 'mark_paid'])
        .describe('approve a requested one, reject an open one, mark_paid an approved one.'),
      notes: notes('Why, for the customer.').optional(),
      bankReference: text(0, 200, "The bank's reference of the payment.").optional(),
      actorId: actorId.optional(),
    }),
    output: settlement,
  },

  cancelWithdrawal: {
    name: 'ledger_cancel_withdrawal',
    summary: 'Takes a requested withdrawal back; the money returns to the wallet.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      withdrawalId: id('The withdrawal.'),
      userId: customerId.optional(),
    }),
    output: settlement,
  },
} as const satisfies Record<string, Procedure>;
