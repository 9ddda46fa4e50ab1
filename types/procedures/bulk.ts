import { z } from 'zod';
import { actorId, id, notes, transactionId } from '../fields.ts';
import type { Procedure } from '../procedure.ts';
import { orderStatus, paymentStatus } from './order-shapes.ts';

export const bulkOutcome = z
  .object({
    success: z.boolean().nullable().describe('Null while the order waits.'),
    transactionId: transactionId.nullable().describe('The transaction of its change.'),
    errorCode: z.string().nullable().describe('Why it was refused, such as payment_required.'),
    errorMessage: z.string().nullable().describe('The same in a sentence.'),
    errorDetails: z.record(z.string(), z.json()).nullable().describe('The same in numbers.'),
    bulkChangeId: id('The bulk change, to follow it in bulk_changes.'),
    orderId: id('The order as it was asked for.'),
    orderNumber: z.string().nullable().describe('Null when there is no such order.'),
    orderStatus: orderStatus.nullable().describe('Its status by then.'),
    paymentStatus: paymentStatus.nullable().describe('How far it is paid by then.'),
  })
  .describe('What became of one order of a bulk change.');

const orders = (description: string) => z.int().min(0).describe(`${description} In orders.`);

export const bulk = {
  bulkChangeStatus: {
    name: 'ledger_bulk_change_status',
    summary:
      'Moves many orders to a status, each with its own answer: one that cannot go there stops none of the others.',
    answers: 'results',
    takesIdempotencyKey: true,
    input: z.strictObject({
      orderIds: z
        .array(id('An order.'))
        .min(1)
        .max(10_000)
        .describe('Up to 500 at once, up to 10000 in background; one named twice counts once.'),
      newStatus: orderStatus.describe('The status they are to have.'),
      metadata: z
        .object({
          restock: z
            .boolean()
            .describe(
              'Whether the goods of cancelled or refunded orders go back to stock, as far as they were not refunded before. When left out: those that have not arrived.',
            )
            .optional(),
        })
        .catchall(z.json())
        .describe('Kept with each transaction; at most 16 KB.')
        .optional(),
      actorId: actorId.optional(),
      actorAction: notes('Why, for the history.').optional(),
      inBackground: z
        .boolean()
        .describe('Only noted down now; continueBulkChange or the job carries it out.')
        .optional(),
    }),
    row: bulkOutcome,
  },

  continueBulkChange: {
    name: 'ledger_continue_bulk_change',
    summary:
      'Carries out the next orders of a bulk change in background and says how far it is; to be repeated while orders wait.',
    answers: 'result',
    takesIdempotencyKey: false,
    goesOn: true,
    input: z.strictObject({
      bulkChangeId: id('The bulk change.'),
      limit: z.int().min(1).max(500).describe('Orders to take; 100 unless told.').optional(),
    }),
    output: z.object({
      bulkChangeId: id('The bulk change.'),
      askedOrders: orders('All of them.'),
      waitingOrders: orders('Not looked at yet.'),
      succeededOrders: orders('Changed.'),
      failedOrders: orders('Refused or failed.'),
    }),
  },
} as const satisfies Record<string, Procedure>;
