import { z } from 'zod';
import { amount, basisPoints, currency, id, moment, units } from '../fields.ts';
import type { Procedure } from '../procedure.ts';
import { orderStatus } from './order-shapes.ts';

const count = (description: string) => z.int().min(0).describe(description);

const seconds = (description: string) => z.int().nullable().describe(`${description} In seconds.`);

const durations = (description: string) =>
  z
    .object({
      orders: count('Orders that have come so far.'),
      p50Seconds: seconds('Half of them took at most this.'),
      p90Seconds: seconds('Nine of ten took at most this.'),
      p95Seconds: seconds('Nineteen of twenty took at most this.'),
    })
    .describe(description);

export const orderTotals = z
  .object({
    orders: count('Orders placed.'),
    sales: count('Of these, not rejected and not cancelled.'),
    placedAmount: amount('Total of all orders placed.'),
    averageAmount: amount('Of one order; half up.').nullable(),
    subtotalAmount: amount('Goods of the sales before discounts.'),
    discountAmount: amount('Discounts of the sales.'),
    shippingAmount: amount('Shipping of the sales.'),
    taxAmount: amount('Tax of the sales.'),
    creditedAmount: amount('What of the sales was taken back.'),
    revenueAmount: amount('What of the sales was not.'),
    outstandingAmount: amount('What customers have yet to pay of the sales.'),
    successRateBp: basisPoints(
      'Delivered orders among those delivered, rejected, cancelled or refunded.',
    ).nullable(),
  })
  .describe('Volume, revenue, average and success.');

export const reports = {
  reportOrders: {
    name: 'report_orders',
    summary: 'How the shop does in a range of at most 366 days. Needs reports.read.',
    answers: 'result',
    takesIdempotencyKey: false,
    input: z.strictObject({
      from: moment('Orders placed from then on; 30 days before `to` when left out.').optional(),
      to: moment('Orders placed before; now when left out.').optional(),
      currency: currency("Orders in this currency; the shop's default when left out.").optional(),
    }),
    output: z.object({
      fromAt: moment('Start of the range.'),
      toAt: moment('End of the range.'),
      currency: currency('Currency of the figures.'),
      totals: orderTotals,
      byStatus: z
        .array(
          z.object({
            status: orderStatus,
            orders: count('Orders that are in it.'),
            totalAmount: amount('Their total.'),
          }),
        )
        .describe('Per status, those that occur.'),
      byDay: z
        .array(
          z.object({
            day: z.iso.date().describe('A day in UTC.'),
            orders: count('Orders placed.'),
            placedAmount: amount('Their total.'),
            revenueAmount: amount('What of the sales among them was not taken back.'),
          }),
        )
        .describe('Per day, days without orders left out.'),
      topProducts: z
        .array(
          z.object({
            productId: id('The product.'),
            productName: z.string().describe('Its present name.'),
            orders: count('Sales it is in.'),
            units: units('What was sold of it.'),
            amount: amount('What it sold for, after discounts, before refunds.'),
          }),
        )
        .describe('The ten that sold for most.'),
      customers: z
        .object({
          customers: count('Who ordered.'),
          new: count('Of these, without an order before the range.'),
          returning: count('Of these, with one.'),
          withSeveralOrders: count('Of these, with more than one order in the range.'),
        })
        .describe('Who ordered.'),
      processing: z
        .object({
          placedToShipped: durations('From placing to dispatch.'),
          shippedToDelivered: durations('From dispatch to delivery.'),
          placedToDelivered: durations('From placing to delivery.'),
        })
        .describe('How long orders took.'),
      refunds: z
        .object({
          refunds: count('How many were made in the range.'),
          orders: count('Of how many orders.'),
          creditedAmount: amount('What was taken back.'),
          returnedAmount: amount('Money that went back.'),
          walletAmount: amount('Of it, into the wallet it came from.'),
          creditAmount: amount('Of it, paid from outside and now wallet credit.'),
          payoutAmount: amount('Of it, to pay out.'),
          pendingPayoutAmount: amount('Of that, not paid out yet.'),
        })
        .describe('What was taken back in the range, of whichever orders.'),
    }),
  },
} as const satisfies Record<string, Procedure>;
