import { z } from 'zod';
import {
  actorId,
  amount,
  availableBalance,
  currency,
  customerId,
  id,
  notes,
  orNull,
  positiveAmount,
  signedAmount,
  text,
  transactionId,
} from '../fields.ts';
import type { Procedure } from '../procedure.ts';
import { orderStatus, paymentStatus } from './order-shapes.ts';

export const receiptStatus = z
  .enum(['submitted', 'approved', 'partly_approved', 'rejected', 'handed_back', 'withdrawn'])
  .describe('Status of a receipt.');

const about = {
  receiptId: id('The receipt.'),
  status: receiptStatus,
  orderId: orNull(id('The order it is for.')),
  invoiceId: orNull(id('The invoice it is for.')),
};

const orderPaymentStatus = paymentStatus
  .nullable()
  .describe('How far its order is paid; null when it is for none.');

export const receipts = {
  submitReceipt: {
    name: 'ledger_submit_receipt',
    summary:
      'Shows finance a transfer for an order, for an invoice, or on account; or sends a receipt again that was handed back.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      orderId: id('The order.').optional(),
      amount: positiveAmount(
        'What was transferred; needed for a receipt that is sent for the first time.',
      ).optional(),
      reference: text(
        0,
        200,
        "The bank's name of the transfer, used once. This or the file is needed.",
      ).optional(),
      storagePath: text(
        0,
        500,
        'The file in the bucket receipts, in the folder of the customer: <user id>/...',
      ).optional(),
      paidOn: z.iso.date().describe('The day of the transfer.').optional(),
      notes: notes("The customer's notes.").optional(),
      invoiceId: id('The invoice, when it is not for an order as such.').optional(),
      currency: currency('On account: the currency; the shop default when left out.').optional(),
      receiptId: id(
        'A receipt that was handed back, to be sent again; what is left out stays as it was.',
      ).optional(),
      userId: customerId.optional(),
    }),
    output: z.object({
      ...about,
      amount: positiveAmount('What was transferred, as the customer says.'),
      currency: currency('Currency of the order, invoice or account.'),
      paymentStatus: orderPaymentStatus,
    }),
  },

  reviewReceipt: {
    name: 'ledger_review_receipt',
    summary:
      'Approves a receipt, whole or a part, which makes a payment of it; rejects it; or hands it back. Needs receipts.review, and nobody reviews their own.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      receiptId: id('The receipt.'),
      action: z
        .enum(['approve', 'reject', 'hand_back'])
        .describe('approve it, reject it for good, or hand it back to be sent again.'),
      amount: positiveAmount(
        'What came in, when that is less than the receipt says; only to approve.',
      ).optional(),
      notes: notes('For the customer; needed to reject or to hand back.').optional(),
      actorId: actorId.optional(),
    }),
    output: z.object({
      ...about,
      transactionId: transactionId
        .nullable()
        .describe('The transaction of the payment; null when nothing was approved.'),
      paymentId: orNull(id('The payment; null when nothing was approved.')),
      approvedAmount: orNull(positiveAmount('What was approved.')),
      appliedAmount: orNull(amount('What of it went to the order.')),
      allocatedAmount: orNull(amount('What of it went to an invoice.')),
      creditAmount: orNull(amount('What of it was more than the order needed: wallet credit.')),
      unappliedAmount: orNull(amount('What of it is left with the payment.')),
      orderStatus: orderStatus.nullable().describe('Status of its order; null without one.'),
      paymentStatus: orderPaymentStatus,
      outstandingAmount: orNull(
        signedAmount(
          'What is left to pay for the order; negative when the house owes the customer.',
        ),
      ),
      availableBalance: availableBalance
        .nullable()
        .describe("What the customer's wallet can spend; null for who may not see accounts."),
    }),
  },

  withdrawReceipt: {
    name: 'ledger_withdraw_receipt',
    summary: 'Takes a receipt back that is under review or was handed back.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      receiptId: id('The receipt.'),
      userId: customerId.optional(),
    }),
    output: z.object({ ...about, paymentStatus: orderPaymentStatus }),
  },
} as const satisfies Record<string, Procedure>;
