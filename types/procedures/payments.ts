import { z } from 'zod';
import {
  actorId,
  amount,
  availableBalance,
  currency,
  customerId,
  id,
  jsonObject,
  moment,
  notes,
  orNull,
  positiveAmount,
  signedAmount,
  text,
  transactionId,
} from '../fields.ts';
import type { Procedure } from '../procedure.ts';
import { orderStatus, paymentStatus, refundDestination } from './order-shapes.ts';

export const withdrawalStatus = z
  .enum(['requested', 'approved', 'paid', 'rejected', 'cancelled'])
  .describe('Status of a withdrawal.');

const settlement = z.object({
  transactionId,
  withdrawalId: id('The withdrawal.'),
  status: withdrawalStatus,
  availableBalance,
});

export const recordedMethod = z
  .enum(['bank_transfer', 'card', 'cash', 'other'])
  .describe('How the money came in; bank_transfer when left out.');

const outstandingAmount = signedAmount(
  'What is left to pay for the order; negative when the house owes the customer.',
);

const staffBalance = availableBalance
  .nullable()
  .describe("What the customer's wallet can spend; null for who may not see accounts.");

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

  recordPayment: {
    name: 'ledger_record_payment',
    summary:
      'Records money that came in from outside: for an order, for an invoice, or on account. Needs payments.record.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      orderId: id('The order; this, invoiceId or userId.').optional(),
      amount: positiveAmount(
        "What came in, in the currency of the order, the invoice or the customer's account. Needed.",
      ).optional(),
      method: recordedMethod.optional(),
      reference: text(
        0,
        200,
        "The bank's or provider's name of the payment; the same one is recorded once per method.",
      ).optional(),
      notes: notes('For the customer.').optional(),
      actorId: actorId.optional(),
      invoiceId: id('The invoice.').optional(),
      userId: id('The customer who paid on account.').optional(),
      currency: currency('On account: the currency; the shop default when left out.').optional(),
      paidAt: moment('When the money came in; now when left out.').optional(),
    }),
    output: z.object({
      transactionId,
      orderId: orNull(id('The order, also that of the invoice.')),
      paymentId: id('The payment.'),
      amount: positiveAmount('What came in.'),
      appliedAmount: amount('What of it went to an order without an invoice.'),
      creditAmount: amount('What of it was more than that order needed: wallet credit.'),
      orderStatus: orNull(orderStatus),
      paymentStatus: orNull(paymentStatus),
      outstandingAmount: orNull(outstandingAmount),
      availableBalance: staffBalance,
      allocatedAmount: amount('What of it went to the invoice.'),
      unappliedAmount: amount('What is left of it, to be allocated or released later.'),
      invoiceId: orNull(id('The invoice, also that of the order.')),
      userId: id('The customer.'),
    }),
  },

  voidPayment: {
    name: 'ledger_void_payment',
    summary:
      'Voids a payment that never was one: what it paid is owed again. Needs payments.record.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      paymentId: id('The payment.'),
      reason: notes('Why, for the history.').optional(),
      actorId: actorId.optional(),
    }),
    output: z.object({
      transactionId,
      orderId: orNull(id('Its order; null when it was for none.')),
      paymentId: id('The payment.'),
      orderStatus: orNull(orderStatus),
      paymentStatus: orNull(paymentStatus),
      outstandingAmount: orNull(outstandingAmount),
      availableBalance: staffBalance,
      reversedAmount: amount('What of it was allocated to invoices, which owe it again.'),
    }),
  },

  releasePayment: {
    name: 'ledger_release_payment',
    summary:
      'Gives what is left of a payment to the wallet of its customer. Needs payments.record.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      paymentId: id('The payment.'),
      amount: positiveAmount('How much of it; all that is left when left out.').optional(),
      reason: notes('Why, for the history.').optional(),
      actorId: actorId.optional(),
    }),
    output: z.object({
      transactionId,
      paymentId: id('The payment.'),
      orderId: orNull(id('Its order; null when it was for none.')),
      releasedAmount: positiveAmount('What went to the wallet.'),
      creditAmount: amount('All that went there by now.'),
      unappliedAmount: amount('What is left of it.'),
      availableBalance: staffBalance,
    }),
  },

  refundOrder: {
    name: 'ledger_refund_order',
    summary:
      'Takes back units, shipping or a free amount of an order: what was paid goes back, what was not is owed no more. Needs orders.refund.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      orderId: id('The order.'),
      lines: z
        .array(
          z.strictObject({
            lineNumber: z.int().min(1).max(2_147_483_647).describe("The line's number."),
            quantity: z.int().min(1).describe('In units.'),
            restock: z
              .boolean()
              .describe('Whether they go back to stock; as the call says when left out.')
              .optional(),
            unshipped: z
              .boolean()
              .describe(
                'Units that were not shipped and will not be: they go back to stock, or their backorder is given up. When left out: units that were shipped.',
              )
              .optional(),
          }),
        )
        .max(5000)
        .describe('Units that were not refunded yet.')
        .optional(),
      shippingAmount: amount('Of the shipping cost.').optional(),
      amount: amount('Any amount beside lines and shipping.').optional(),
      to: refundDestination.optional(),
      restock: z
        .boolean()
        .describe('Whether lines that do not say it themselves go back to stock; no when left out.')
        .optional(),
      reason: notes('Why; the customer can read it.').optional(),
      actorId: actorId.optional(),
    }),
    output: z.object({
      transactionId,
      orderId: id('The order.'),
      refundId: id('The refund.'),
      orderStatus,
      paymentStatus,
      creditedAmount: amount('How much less the order costs.'),
      walletAmount: amount('Money that went back into the wallet it came from.'),
      creditAmount: amount('Money paid from outside that became wallet credit.'),
      payoutAmount: amount('Money paid from outside that is to be paid out.'),
      outstandingAmount,
    }),
  },

  settleRefund: {
    name: 'ledger_settle_refund',
    summary:
      'Says that a refund was paid out; or that this failed: then it becomes wallet credit; or withdraws it: then the order holds the money again, and a payment that bounced can be voided. Needs refunds.settle.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      refundId: id('The refund.'),
      action: z.enum(['paid', 'failed', 'withdrawn']).describe('What became of it.'),
      reference: text(0, 200, "The bank's reference.").optional(),
      actorId: actorId.optional(),
    }),
    output: z.object({
      transactionId,
      refundId: id('The refund.'),
      orderId: id('Its order.'),
      payoutStatus: z.enum(['paid', 'failed', 'withdrawn']).describe('What it is now.'),
      payoutAmount: amount('What was to be paid out.'),
      availableBalance: staffBalance,
    }),
  },
} as const satisfies Record<string, Procedure>;
