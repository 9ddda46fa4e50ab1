import { z } from 'zod';
import {
  actorId,
  amount,
  availableBalance,
  currency,
  customerId,
  id,
  positiveAmount,
  signedAmount,
  text,
  transactionId,
} from '../fields.ts';
import type { Procedure } from '../procedure.ts';
import { orderStage, orderStatus, paymentStatus } from './order-shapes.ts';

const problems = z
  .array(z.enum(['status_mismatch', 'wallet_without_transaction', 'receipt_stuck']))
  .describe('Kinds of what is wrong with it.');

const state = z
  .object({
    status: orderStatus,
    paymentStatus,
    stage: orderStage,
    paidAmount: amount('What was ever paid for it.'),
    amountDue: amount('What is left to pay.'),
    availableBalance: signedAmount(
      "What the customer's wallet can spend; left out for who may not see accounts.",
    ).optional(),
  })
  .describe('The order, and the balance of its customer.');

const step = z
  .object({
    step: z.enum(['wallet_paid', 'receipt_approved', 'status_changed']).describe('What is done.'),
    amount: positiveAmount('What the wallet paid, or what was approved.').optional(),
    from: orderStatus.optional(),
    to: orderStatus.optional(),
    receiptId: id('The receipt that was approved.').optional(),
    paymentId: id('The payment that was made of it.').optional(),
    transactionId: transactionId.optional(),
  })
  .describe('A step on the way to what is right; in a dry run nothing of it has an id yet.');

const fixedOrder = z
  .object({
    orderId: id('The order.'),
    orderNumber: z.string().describe('Its number.'),
    userId: id('Its customer.'),
    currency: currency('Currency of its amounts.'),
    problems,
    claimed: z
      .object({
        problems,
        status: orderStatus.describe('Where the management of the older system had it.'),
        walletAmount: positiveAmount('What its wallet was said to have paid.').optional(),
        receiptId: id('The receipt that nobody had looked at.').optional(),
      })
      .nullable()
      .describe('What the older system claimed of it; null when that is settled, or was nothing.'),
    steps: z.array(step).describe('What was done, or would be.'),
    outcome: z
      .enum(['planned', 'fixed', 'nothing_to_do', 'refused'])
      .describe('planned: by a dry run; refused: it stays as it was, the others go on.'),
    errorCode: z.string().nullable().describe('Why it was refused.'),
    errorMessage: z.string().nullable().describe('The same in a sentence.'),
    errorDetails: z.record(z.string(), z.json()).nullable().describe('The same in numbers.'),
    before: state,
    after: state,
  })
  .describe('What became of one order.');

const count = (description: string) => z.int().min(0).describe(`${description} In orders.`);

export const emergency = {
  emergencyOrderFix: {
    name: 'integrity_emergency_order_fix',
    summary:
      'Puts orders right that were broken in an older system: missing wallet transactions, stuck receipts, statuses that differ. A dry run unless told otherwise. Needs integrity.repair.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      userId: id('The orders of this customer; not together with orderNumbers.').optional(),
      orderNumbers: z
        .array(text(1, 200, 'Number of an order.'))
        .min(1)
        .max(100)
        .describe('These orders. With neither of both the next 100 of all.')
        .optional(),
      dryRun: z
        .boolean()
        .describe('true, as when left out: answer what would come of it, and change nothing.')
        .optional(),
      actorId: actorId.optional(),
    }),
    output: z.object({
      dryRun: z.boolean().describe('Whether nothing was changed.'),
      foundOrders: count('With something wrong.'),
      fixedOrders: count('Put right.'),
      refusedOrders: count('That could not be put right.'),
      remainingOrders: count('With claims that are still unsettled, of those asked for.'),
      orders: z.array(fixedOrder).describe('One for each order, the oldest first.'),
    }),
  },

  payOrderFromWallet: {
    name: 'ledger_pay_order_from_wallet',
    summary: 'Pays what is due for an order, or a part of it, from the wallet.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      orderId: id('The order.'),
      amount: positiveAmount('What to pay of it; all that is due when left out.').optional(),
      userId: customerId.optional(),
    }),
    output: z.object({
      transactionId,
      orderId: id('The order.'),
      orderNumber: z.string().describe('Its number.'),
      walletAmount: positiveAmount('What was taken out of the wallet.'),
      orderStatus,
      paymentStatus,
      outstandingAmount: signedAmount(
        'What is left to pay; negative when the house owes the customer.',
      ),
      availableBalance: availableBalance
        .nullable()
        .describe("What the customer's wallet can spend; null for who may not see accounts."),
    }),
  },
} as const satisfies Record<string, Procedure>;
