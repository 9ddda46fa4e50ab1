import { z } from '@hono/zod-openapi';
import {
  amount,
  currency,
  id,
  moment,
  positiveAmount,
  signedAmount,
  units,
} from '../../../types/fields.ts';
import { refundDestination } from '../../../types/procedures/order-shapes.ts';
import { payments, recordedMethod } from '../../../types/procedures/payments.ts';
import type { Api } from '../context.ts';
import { orderParts } from '../order-parts.ts';
import { procedureEndpoint } from '../procedure-endpoint.ts';
import { theOrder } from '../subject.ts';

const payment = z
  .object({
    id: id('The payment.'),
    method: recordedMethod.describe('How the money came in.'),
    currency: currency('Currency of the order.'),
    amount: positiveAmount('What came in.'),
    applied_amount: amount('What of it went to the order, beside an invoice.'),
    allocated_amount: amount('What of it went to invoices.'),
    credit_amount: amount('What of it became wallet credit.'),
    unapplied_amount: amount('What is left of it.'),
    charged_back_amount: amount('What of it was taken back by a bank.'),
    status: z.enum(['captured', 'voided']).describe('Whether it still counts.'),
    reference: z.string().nullable().describe("The bank's or provider's name of it."),
    paid_at: moment('When the money came in.'),
    created_at: moment('When it was recorded.'),
  })
  .openapi('Payment');

/** For an order, which the path names. */
const recordOrderPayment = {
  ...payments.recordPayment,
  input: payments.recordPayment.input
    .omit({ invoiceId: true, userId: true, currency: true })
    .required({ amount: true }),
};

const refund = z
  .object({
    id: id('The refund.'),
    return_id: id('The return that it is for.').nullable(),
    currency: currency('Currency of the order.'),
    goods_amount: amount('Price of the goods taken back.'),
    discount_amount: amount('Their discount.'),
    tax_amount: amount('Their tax.'),
    shipping_amount: amount('Shipping.'),
    allowance_amount: signedAmount('What was given beside goods and shipping.'),
    credited_amount: amount('How much less the order costs.'),
    wallet_amount: amount('Money that went back into the wallet it came from.'),
    credit_amount: amount('Money paid from outside that became wallet credit.'),
    payout_amount: amount('Money paid from outside that is to be paid out.'),
    payout_status: z
      .enum(['none', 'pending', 'paid', 'failed', 'withdrawn'])
      .describe('What became of payout_amount.'),
    destination: refundDestination,
    reason: z.string().nullable().describe('Why.'),
    created_at: moment('When it was made.'),
    refund_lines: z
      .array(
        z.object({
          line_number: z.int().min(1).describe("The order's line."),
          quantity: units('Taken back.'),
          unshipped_quantity: units('Of these, never shipped.'),
          restocked_quantity: units('Of these, back in stock.'),
          total_amount: amount('What they had cost.'),
        }),
      )
      .describe('Units that were taken back.'),
  })
  .openapi('Refund');

export function addMoneyRoutes(api: Api): void {
  orderParts(api, {
    relation: 'payments',
    operationId: 'listPayments',
    tag: 'Money',
    summary: 'What came in from outside for an order.',
    row: payment,
  });
  procedureEndpoint(api, {
    method: 'post',
    path: '/orders/{order_id}/payments',
    operationId: 'recordPayment',
    tag: 'Money',
    summary: 'Record money that came in for an order. For staff.',
    procedure: recordOrderPayment,
    subject: theOrder,
    status: 201,
    example: { amount: 3390, method: 'bank_transfer', reference: 'RF18 5390 0754 7034' },
  });
  procedureEndpoint(api, {
    method: 'post',
    path: '/payments/{payment_id}/void',
    operationId: 'voidPayment',
    tag: 'Money',
    summary: 'A payment never was one. For staff.',
    procedure: payments.voidPayment,
    subject: { relation: 'payments', parameter: 'payment_id', notFound: 'payment_not_found' },
    example: { reason: 'it bounced' },
  });
  procedureEndpoint(api, {
    method: 'post',
    path: '/payments/{payment_id}/release',
    operationId: 'releasePayment',
    tag: 'Money',
    summary: 'What is left of a payment goes to the wallet. For staff.',
    procedure: payments.releasePayment,
    subject: { relation: 'payments', parameter: 'payment_id', notFound: 'payment_not_found' },
    example: { amount: 500, reason: 'not needed for invoices' },
  });

  orderParts(api, {
    relation: 'refunds',
    operationId: 'listRefunds',
    tag: 'Money',
    summary: 'What was taken back of an order.',
    row: refund,
  });
  procedureEndpoint(api, {
    method: 'post',
    path: '/orders/{order_id}/refunds',
    operationId: 'refundOrder',
    tag: 'Money',
    summary: 'Refund lines, shipping or any amount of an order. For staff.',
    procedure: payments.refundOrder,
    subject: theOrder,
    status: 201,
    example: {
      lines: [{ line_number: 1, quantity: 1, restock: true }],
      shipping_amount: 0,
      to: 'wallet',
      reason: 'arrived broken',
    },
  });
  procedureEndpoint(api, {
    method: 'post',
    path: '/refunds/{refund_id}/settlement',
    operationId: 'settleRefund',
    tag: 'Money',
    summary: 'A refund was paid out, or could not be. For staff.',
    procedure: payments.settleRefund,
    subject: { relation: 'refunds', parameter: 'refund_id', notFound: 'refund_not_found' },
    example: { action: 'paid', reference: '2026-01-31/17' },
  });
}
