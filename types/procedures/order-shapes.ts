import { z } from 'zod';
import { amount, basisPoints, id, moment, units } from '../fields.ts';

export const orderStatus = z
  .enum([
    'pending',
    'confirmed',
    'processing',
    'shipped',
    'delivered',
    'rejected',
    'cancelled',
    'refunded',
  ])
  .describe('Status of an order.');

export const paymentStatus = z
  .enum([
    'unpaid',
    'receipt_uploaded',
    'in_grace',
    'partially_paid',
    'paid',
    'overpaid',
    'partially_refunded',
    'refunded',
  ])
  .describe('How far an order is paid.');

export const paymentMethod = z
  .enum(['wallet', 'wallet_partial', 'bank_transfer', 'bank_transfer_grace', 'card', 'invoice'])
  .describe('How an order is paid; the wallet pays all of it when left out.');

export const orderItem = z
  .strictObject({
    variantId: id('The product variant.'),
    quantity: z.int().min(1).max(2_147_483_647).describe('In units.'),
  })
  .describe('A line of an order. The price comes from the catalogue.');

export const orderItems = z
  .array(orderItem)
  .min(1)
  .max(5000)
  .describe('The lines; the setting max_order_lines may allow fewer.');

export const quotedLine = z
  .object({
    lineNumber: z.int().min(1).describe('Counts from 1.'),
    variantId: id('The product variant.'),
    vendorId: id('Its vendor.').nullable(),
    productName: z.string().describe('Name of the product.'),
    productSku: z.string().describe('SKU of the variant.'),
    variantName: z.string().describe('Name of the variant.'),
    quantity: z.int().min(1).describe('In units.'),
    unitPriceAmount: amount('Price of one unit.'),
    totalPriceAmount: amount('Price times quantity, before the discount.'),
    discountAmount: amount("The line's share of the discount."),
    taxRateBp: basisPoints('Tax rate.'),
    taxAmount: amount('Tax on the line after its discount, rounded half up.'),
  })
  .describe('A line of an order with its price.');

export const orderStage = z
  .enum([
    'finance_pending',
    'finance_review',
    'bank_transfer_grace',
    'awaiting_confirmation',
    'warehouse_ready',
    'warehouse_processing',
    'logistics_dispatched',
    'delivered',
    'rejected',
    'cancelled',
    'refunded',
  ])
  .describe('Where the order is in the house; follows from status and payment status.');

export const trackedStatus = z
  .object({
    eventId: z.int().describe('Rises with each status.'),
    fromStatus: orderStatus.nullable().describe('The status before; null for the first.'),
    status: orderStatus,
    notes: z.string().nullable().describe('What was said of it.'),
    at: moment('When.'),
  })
  .describe('A status that an order has had.');

const trackedLine = z.object({
  lineNumber: z.int().min(1).describe("The order's line."),
  quantity: units('Of the line.'),
});

export const trackedShipment = z
  .object({
    shipmentId: id('The shipment.'),
    shipmentNumber: z.int().min(1).describe('Counts from 1 within the order.'),
    status: z.enum(['shipped', 'delivered']).describe('Whether it has arrived.'),
    carrier: z.string().nullable().describe('Who carries it.'),
    trackingNumber: z.string().nullable().describe("The carrier's number for it."),
    estimatedDeliveryAt: moment('When it is expected to arrive.').nullable(),
    shippedAt: moment('When it went out.'),
    deliveredAt: moment('When it arrived.').nullable(),
    lines: z.array(trackedLine).describe('What is in it.'),
  })
  .describe('A shipment of an order.');

export const trackedBackorder = trackedLine
  .extend({ variantId: id('The product variant.') })
  .describe('Units of a line that are not in stock yet.');

export const returnStatus = z
  .enum(['requested', 'approved', 'received', 'rejected', 'closed'])
  .describe('Status of a return.');

export const trackedReturn = z
  .object({
    returnId: id('The return.'),
    status: returnStatus,
    reason: z.string().nullable().describe('Why.'),
    createdAt: moment('When it was asked for.'),
    updatedAt: moment('When it last changed.'),
    lines: z
      .array(
        trackedLine.extend({
          approvedQuantity: units('Approved to come back.'),
          receivedQuantity: units('Arrived.'),
          refundedQuantity: units('Of these, refunded.'),
        }),
      )
      .describe('What comes back.'),
  })
  .describe('A return of an order.');

export const orderVersion = z.int().min(1).describe('Rises with every change of the order.');

export const refundDestination = z
  .enum(['wallet', 'original'])
  .describe(
    'Where money goes that was paid from outside: wallet credit (when left out), or paid out again.',
  );

export const orderChange = z
  .strictObject({
    lineNumber: z
      .int()
      .min(1)
      .max(2_147_483_647)
      .describe('The line that changes; it keeps its price.')
      .optional(),
    variantId: id(
      'The product variant to add, on a line of its own at the price of today.',
    ).optional(),
    quantity: z
      .int()
      .min(0)
      .max(2_147_483_647)
      .describe("The line's new quantity in units, 0 removes it; or how many to add."),
  })
  .refine((change) => (change.lineNumber === undefined) !== (change.variantId === undefined), {
    error: 'names either a line or a variant',
  })
  .describe('A change of an order.');

export const changedLine = z
  .object({
    lineNumber: z.int().min(1).describe('The line; never used for another one.'),
    variantId: id('The product variant.'),
    productSku: z.string().describe('SKU of the variant.'),
    oldQuantity: units('What it was; 0 for an added line.'),
    newQuantity: units('What it is from now on; 0 for a removed line.'),
    unitPriceAmount: amount('Price of one unit.'),
  })
  .describe('A line that an edit changed.');
