import { z } from 'zod';
import {
  actorId,
  amount,
  availableBalance,
  basisPoints,
  currency,
  customerId,
  id,
  metadata,
  moment,
  notes,
  signedAmount,
  text,
  transactionId,
  units,
} from '../fields.ts';
import type { Procedure } from '../procedure.ts';

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

const shippingMethod = text(1, 100, 'Code of a shipping method, such as standard.');
const discountCode = text(1, 100, 'A discount code, in any case.');

export const orderVersion = z.int().min(1).describe('Rises with every change of the order.');

export const refundDestination = z
  .enum(['wallet', 'original'])
  .describe(
    'Where money goes that was paid from outside: wallet credit (when left out), or paid out again.',
  );

const statusMetadata = z
  .object({
    restock: z
      .boolean()
      .describe(
        'Whether the goods of a cancelled or refunded order go back to stock, as far as they were not refunded before. When left out: those that have not arrived.',
      )
      .optional(),
    refund_to: refundDestination.optional(),
  })
  .catchall(z.json())
  .describe('Kept with the transaction; at most 16 KB.');

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

const statusChange = z.object({
  transactionId,
  orderId: id('The order.'),
  orderStatus,
  paymentStatus,
  returnedAmount: amount('All the money that goes back: into the wallet, or to be paid out.'),
  availableBalance: availableBalance
    .nullable()
    .describe("What the customer's wallet can spend; null for who may not see accounts."),
});

export const orders = {
  placeOrder: {
    name: 'ledger_place_order',
    summary: "Places an order: takes stock and the wallet's part in one transaction.",
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      items: orderItems,
      paymentMethod: paymentMethod.optional(),
      walletAmount: amount(
        "The wallet's part with wallet_partial; as much as there is when left out.",
      ).optional(),
      shippingAddressId: id("One of the customer's addresses.").optional(),
      billingAddressId: id("One of the customer's addresses.").optional(),
      shippingMethod: shippingMethod.optional(),
      discountCode: discountCode.optional(),
      expectedTotal: amount(
        'The total that the customer was shown; another one is refused as price_changed.',
      ).optional(),
      notes: notes("The customer's notes.").optional(),
      metadata: metadata.optional(),
      userId: customerId.optional(),
      reservationId: id(
        'What order_reserve holds for the customer; the order consumes it.',
      ).optional(),
    }),
    output: z.object({
      transactionId,
      orderId: id('The order.'),
      orderNumber: z.string().describe('What people call it, such as ORD00000001.'),
      status: orderStatus,
      paymentStatus,
      currency: currency('Currency of the order.'),
      totalAmount: amount('What the order costs.'),
      walletAmount: amount('What the wallet paid.'),
      amountDue: amount('What is left to pay.'),
      availableBalance,
    }),
  },

  changeOrderStatus: {
    name: 'ledger_change_order_status',
    summary:
      'Moves an order to another status. Needs the permission of that row in order_status_transitions.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      userId: id('The customer.'),
      referenceId: id('The order.'),
      oldStatus: orderStatus.describe('Its present status; another one is a status_conflict.'),
      newStatus: orderStatus.describe('The status it is to have.'),
      amount: amount("The order's total; another one is an amount_mismatch."),
      metadata: statusMetadata.optional(),
      actorId: actorId.optional(),
      actorAction: notes('Why, for the history.').optional(),
    }),
    output: statusChange,
  },

  setOrderStatus: {
    name: 'ledger_set_order_status',
    summary:
      'Moves an order to another status from the version that was seen. Needs orders.read and the permission of that row in order_status_transitions.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      orderId: id('The order.'),
      status: orderStatus.describe('The status it is to have.'),
      expectedVersion: z
        .int()
        .min(1)
        .describe('Its version; another one is a version_conflict. Any when left out.')
        .optional(),
      notes: notes('Why, for the history; the customer can read it.').optional(),
      metadata: statusMetadata.optional(),
      actorId: actorId.optional(),
    }),
    output: statusChange.extend({ version: orderVersion }),
  },

  cancelOrder: {
    name: 'ledger_cancel_order',
    summary:
      'The customer cancels an order, while its status and the cancellation window allow it.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      orderId: id('The order.'),
      reason: notes('Why, for the history.').optional(),
      userId: customerId.optional(),
      to: refundDestination.optional(),
    }),
    output: statusChange,
  },

  editOrder: {
    name: 'ledger_edit_order',
    summary:
      'Adds, changes and removes lines of an order that is not shipped, and settles the difference; customers edit their own while it is pending, others need orders.edit.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      orderId: id('The order.'),
      changes: z
        .array(orderChange)
        .min(1)
        .max(5000)
        .describe('What changes; the setting max_order_lines may allow fewer.'),
      dryRun: z
        .boolean()
        .describe('Answers what would come of it and writes nothing, the key neither.')
        .optional(),
      expectedVersion: orderVersion
        .describe('Its version; another one is a version_conflict. Any when left out.')
        .optional(),
      expectedTotal: amount(
        'The new total that was shown; another one is refused as price_changed.',
      ).optional(),
      walletAmount: amount(
        'What the wallet pays now of what is left to pay; all of it for an order paid by wallet, else nothing when left out.',
      ).optional(),
      to: refundDestination.optional(),
      reason: notes('Why, for the history.').optional(),
      userId: customerId.optional(),
      actorId: actorId.optional(),
    }),
    output: z.object({
      transactionId: transactionId.nullable().describe('Its transaction; null for a dry run.'),
      orderId: id('The order.'),
      version: orderVersion.describe("The order's version; of a dry run the present one."),
      totalAmount: amount('What the order costs now.'),
      differenceAmount: signedAmount('How much more than before.'),
      walletAmount: amount('What the wallet paid now.'),
      returnedAmount: amount('What was paid too much and goes back.'),
      outstandingAmount: signedAmount('What is left to pay.'),
      paymentStatus,
      changes: z.array(changedLine).describe('The lines that changed.'),
      orderStatus,
      refundId: id('The refund.')
        .nullable()
        .describe('The refund of what goes back; null when nothing does.'),
    }),
  },

  orderQuote: {
    name: 'order_quote',
    summary: 'What an order would cost, without placing it; also for visitors. Promises no stock.',
    answers: 'result',
    takesIdempotencyKey: false,
    input: z.strictObject({
      items: orderItems,
      shippingMethod: shippingMethod.optional(),
      discountCode: discountCode.optional(),
      userId: customerId.optional(),
    }),
    output: z.object({
      currency: currency('Currency of the prices.'),
      pricesIncludeTax: z.boolean().describe('Whether the prices contain taxAmount.'),
      subtotalAmount: amount('The goods before the discount.'),
      discountAmount: amount('What the discount code takes off.'),
      shippingAmount: amount('Shipping.'),
      taxAmount: amount("Sum of the lines' tax."),
      totalAmount: amount('What the order would cost.'),
      lines: z.array(quotedLine).describe('The lines with their prices.'),
    }),
  },

  orderTracking: {
    name: 'order_tracking',
    summary:
      'Where an order is, what of it is out or comes back, every status it has had, and what the caller can do next.',
    answers: 'result',
    takesIdempotencyKey: false,
    input: z.strictObject({ orderId: id('The order.') }),
    output: z.object({
      orderId: id('The order.'),
      orderNumber: z.string().describe('What people call it, such as ORD00000001.'),
      status: orderStatus,
      paymentStatus,
      stage: orderStage,
      currency: currency('Currency of the order.'),
      totalAmount: amount('What the order costs.'),
      amountDue: amount('What is left to pay.'),
      placedAt: moment('When it was placed.'),
      updatedAt: moment('When it last changed.'),
      history: z.array(trackedStatus).describe('Every status it has had, oldest first.'),
      nextSteps: z.array(orderStatus).describe('What the caller can bring it to now.'),
      shipments: z.array(trackedShipment).describe('What has gone out, by shipment.'),
      backorders: z.array(trackedBackorder).describe('What is not in stock yet.'),
      returns: z.array(trackedReturn).describe('What comes back, oldest first.'),
    }),
  },

  registerReferral: {
    name: 'ledger_register_referral',
    summary: 'Says who brought the customer: once, and before their first order.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      referralCode: text(1, 100, 'The referral code of who brought the customer.'),
      userId: customerId.optional(),
    }),
    output: z.object({
      referrerUserId: id('Who brought the customer.'),
      rateBp: basisPoints("Commission on the customer's delivered orders."),
    }),
  },
} as const satisfies Record<string, Procedure>;
