import { z } from 'zod';
import { actorId, amount, customerId, id, metadata, moment, notes, text } from '../fields.ts';
import type { Procedure } from '../procedure.ts';
import { orderStatus, paymentStatus, refundDestination, returnStatus } from './order-shapes.ts';

const lineNumber = z.int().min(1).max(2_147_483_647).describe("The order's line, from 1.");
const someUnits = z.int().min(1).describe('In units.');
const anyUnits = (description: string) => z.int().min(0).describe(`${description} In units.`);
const lines = <T extends z.ZodType>(line: T) => z.array(line).min(1).max(5000);

export const lineUnits = z
  .strictObject({ lineNumber, quantity: someUnits })
  .describe('Units of a line of the order.');

export const returnAsked = z
  .strictObject({
    lineNumber,
    quantity: someUnits,
    reason: text(0, 500, 'Why these come back.').optional(),
  })
  .describe('Units of a line that are to come back.');

export const returnReviewed = z
  .strictObject({
    lineNumber,
    quantity: anyUnits('Approved, when approving.').optional(),
    received: anyUnits('Arrived: restock + writeOff; all of it into stock when alone.').optional(),
    restock: anyUnits('Of these, back in stock.').optional(),
    writeOff: anyUnits('Of these, written off.').optional(),
  })
  .describe('What is approved of a line, or what has arrived of it.');

export const returnAction = z
  .enum(['approve', 'reject', 'receive', 'close'])
  .describe('What to do with a return.');

const shipmentId = id('The shipment.');
const shipmentNumber = z.int().min(1).describe('Counts from 1 within the order.');
const returnId = id('The return.');
const noTransaction = id('The transaction that was written.').nullable();

export const fulfilment = {
  shipOrder: {
    name: 'ledger_ship_order',
    summary:
      'Ships units of an order in a shipment; with the last units the order becomes shipped. Needs orders.ship.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      orderId: id('The order.'),
      lines: lines(lineUnits).describe('What goes out; all that can when left out.').optional(),
      carrier: text(1, 100, 'Who carries it.').optional(),
      trackingNumber: text(1, 200, "The carrier's number for it.").optional(),
      estimatedDeliveryAt: moment('When it is expected to arrive.').optional(),
      metadata: metadata.optional(),
      actorId: actorId.optional(),
    }),
    output: z.object({
      transactionId: id('The transaction that was written.'),
      orderId: id('The order.'),
      shipmentId,
      shipmentNumber,
      orderStatus,
    }),
  },

  confirmDelivery: {
    name: 'ledger_confirm_delivery',
    summary:
      'A shipment has arrived; with the last one the order becomes delivered. Needs orders.deliver.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      shipmentId,
      deliveredAt: moment('When it arrived; now when left out.').optional(),
      actorId: actorId.optional(),
    }),
    output: z.object({
      transactionId: noTransaction.describe('Of the delivery of the order; null before that.'),
      orderId: id('The order.'),
      shipmentId,
      shipmentNumber,
      deliveredAt: moment('When it arrived.'),
      orderStatus,
    }),
  },

  requestReturn: {
    name: 'ledger_request_return',
    summary:
      'Asks to return units of an order, within the return window of their arrival (staff: at any time).',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      orderId: id('The order.'),
      lines: lines(returnAsked).describe('What is to come back.'),
      reason: notes('Why.').optional(),
      userId: customerId.optional(),
    }),
    output: z.object({ orderId: id('The order.'), returnId, status: returnStatus }),
  },

  reviewReturn: {
    name: 'ledger_review_return',
    summary:
      'Approves, rejects, receives or closes a return. Needs returns.review, and orders.refund when money goes back.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      returnId,
      action: returnAction,
      lines: lines(returnReviewed)
        .describe('What is approved, or has arrived; all of it when left out.')
        .optional(),
      notes: notes('Why; a rejection needs it.').optional(),
      refund: z
        .boolean()
        .describe('Whether the money of what has arrived goes back now; it does when left out.')
        .optional(),
      to: refundDestination.optional(),
      actorId: actorId.optional(),
    }),
    output: z.object({
      transactionId: noTransaction.describe('Of the refund; null without one.'),
      orderId: id('The order.'),
      returnId,
      status: returnStatus,
      refundId: id('The refund.').nullable().describe('The refund.'),
      returnedAmount: amount('The money that went back.'),
      orderStatus,
      paymentStatus,
    }),
  },
} as const satisfies Record<string, Procedure>;
