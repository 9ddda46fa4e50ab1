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
} from '../fields.ts';
import type { Procedure } from '../procedure.ts';
import {
  changedLine,
  orderChange,
  orderItems,
  orderStage,
  orderStatus,
  orderVersion,
  paymentMethod,
  paymentStatus,
  quotedLine,
  refundDestination,
  trackedBackorder,
  trackedReturn,
  trackedShipment,
  trackedStatus,
} from './order-shapes.ts';

const shippingMethod = text(1, 100, 'Code of a shipping method, such as standard.');
const discountCode = text(1, 100, 'A discount code, in any case.');

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
