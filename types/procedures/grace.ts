import { z } from 'zod';
import {
  actorId,
  amount,
  currency,
  id,
  moment,
  notes,
  signedAmount,
  transactionId,
} from '../fields.ts';
import type { Procedure } from '../procedure.ts';
import { paymentStatus } from './order-shapes.ts';

const dueDays = z.int().min(0).max(365);
const graceOrders = z.int().min(0).max(1000);

export const grace = {
  extendGrace: {
    name: 'ledger_extend_grace',
    summary:
      'Gives an order that is paid by transfer time to be paid, or puts its deadline off, also one that has passed. Needs grace.grant.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      orderId: id('The order.'),
      until: moment(
        'Until when it has to be paid: within a year, and later than its present deadline.',
      ),
      reason: notes('Why; the customer can read it.').optional(),
      actorId: actorId.optional(),
    }),
    output: z.object({
      transactionId,
      orderId: id('The order.'),
      paymentStatus: paymentStatus.describe(
        'in_grace; or receipt_uploaded while a receipt for it is looked at.',
      ),
      dueAt: moment('Until when it has to be paid.'),
      extensions: z.int().min(0).describe('How often its deadline was put off.'),
      outstandingAmount: signedAmount('What is left to pay for the order.'),
    }),
  },

  setCreditTerms: {
    name: 'ledger_set_credit_terms',
    summary:
      'Sets what a customer may owe by invoices in one currency, and their orders in grace; all of the terms at once. Needs credit.grant.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      userId: id('The customer.'),
      currency: currency('Currency of the terms; the shop default when left out.').optional(),
      creditLimitAmount: amount(
        'What they may owe by invoices when they order on invoice; no credit when left out.',
      ).optional(),
      dueDays: dueDays
        .describe('Days until their invoices are due; as the shop says when left out.')
        .optional(),
      maxGraceOrders: graceOrders
        .describe('Orders they may have in grace at a time; as the shop says when left out.')
        .optional(),
      reason: notes('Why; the customer can read it.').optional(),
      actorId: actorId.optional(),
    }),
    output: z.object({
      transactionId,
      accountId: id('The account the terms are for.'),
      currency: currency('Currency of the terms.'),
      creditLimitAmount: amount('What they may owe by invoices.')
        .nullable()
        .describe('What they may owe by invoices when they order on invoice; null for no credit.'),
      dueDays: dueDays
        .nullable()
        .describe('Days until their invoices are due; null: as the shop says.'),
      maxGraceOrders: graceOrders
        .nullable()
        .describe('Orders they may have in grace at a time; null: as the shop says.'),
      version: z.int().positive().describe('Counts how often their terms were set.'),
    }),
  },
} as const satisfies Record<string, Procedure>;
