import { z } from 'zod';
import {
  amount,
  availableBalance,
  currency,
  customerId,
  id,
  metadata,
  moment,
  notes,
  text,
  transactionId,
} from '../fields.ts';
import type { Procedure } from '../procedure.ts';
import { orderItems, orderStatus, paymentMethod, paymentStatus } from './order-shapes.ts';

const draftId = id('The draft.');
const version = z.int().min(1).describe('Rises with each save.');
const presentAmount = (description: string) =>
  amount(description)
    .nullable()
    .describe(`${description} In minor units; null when the draft cannot be priced.`);
const addressId = id('An address.').nullable().describe("One of the customer's addresses.");
const expectedVersion = z
  .int()
  .min(1)
  .describe('The version that was seen; another one is a draft_conflict.');

export const draftLine = z
  .object({
    lineNumber: z.int().min(1).describe('Counts from 1.'),
    variantId: id('The product variant.'),
    productName: z.string().describe('Name of the product.'),
    productSku: z.string().describe('SKU of the variant.'),
    variantName: z.string().describe('Name of the variant.'),
    quantity: z.int().min(1).describe('In units.'),
    unitPriceAmount: amount('Price of one unit now.'),
    savedUnitPriceAmount: amount('Price of one unit when the draft was saved.'),
    priceChanged: z.boolean().describe('Whether the two differ.'),
    isForSale: z.boolean().describe('Whether it can be ordered at present.'),
    availableQuantity: z.int().describe('Units of the variant that are free now; not promised.'),
  })
  .describe('A line of a draft.');

export const draftProblem = z
  .object({
    errorCode: z.string().describe('What placing it would be refused with.'),
    errorMessage: z.string().describe('The same in a sentence.'),
    errorDetails: z.record(z.string(), z.json()).describe('The same in numbers.'),
  })
  .describe('Why a draft cannot be placed as it is.');

export const drafts = {
  orderDraftSave: {
    name: 'order_draft_save',
    summary:
      'Keeps a draft of an order on the server, or replaces one. Holds no stock and no price.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      items: orderItems,
      draftId: id('The draft to replace as a whole; left out, one is added.').optional(),
      shippingAddressId: id("One of the customer's addresses.").optional(),
      billingAddressId: id("One of the customer's addresses.").optional(),
      shippingMethod: text(1, 100, 'Code of a shipping method, such as standard.').optional(),
      discountCode: text(1, 100, 'A discount code, in any case.').optional(),
      notes: notes("The customer's notes.").optional(),
      expectedVersion: expectedVersion.optional(),
      userId: customerId.optional(),
    }),
    output: z.object({
      draftId,
      version,
      currency: currency('Currency of the prices.'),
      subtotalAmount: amount('The goods before the discount.'),
      discountAmount: amount('What the discount code takes off.'),
      shippingAmount: amount('Shipping.'),
      taxAmount: amount("Sum of the lines' tax."),
      totalAmount: amount('What the order would cost now.'),
    }),
  },

  orderDraftGet: {
    name: 'order_draft_get',
    summary: 'A draft at present prices, beside those it was saved with.',
    answers: 'result',
    takesIdempotencyKey: false,
    input: z.strictObject({ draftId }),
    output: z.object({
      draftId,
      userId: id('The customer.'),
      version,
      currency: currency('Currency of the prices.'),
      subtotalAmount: presentAmount('The goods before the discount.'),
      discountAmount: presentAmount('What the discount code takes off.'),
      shippingAmount: presentAmount('Shipping.'),
      taxAmount: presentAmount("Sum of the lines' tax."),
      totalAmount: presentAmount('What the order would cost now.'),
      savedTotalAmount: amount('What it would have cost when it was saved.'),
      priceChanged: z.boolean().nullable().describe('Whether the two totals differ.'),
      lines: z.array(draftLine).describe('The lines.'),
      problem: draftProblem
        .nullable()
        .describe('Why it cannot be placed as it is; null when nothing stands in its way.'),
      shippingAddressId: addressId,
      billingAddressId: addressId,
      shippingMethod: z.string().nullable().describe('Code of a shipping method.'),
      discountCode: z.string().nullable().describe('A discount code.'),
      notes: z.string().nullable().describe("The customer's notes."),
      createdAt: moment('When it was first saved.'),
      updatedAt: moment('When it was last saved.'),
    }),
  },

  orderDraftDelete: {
    name: 'order_draft_delete',
    summary: 'Removes a draft.',
    answers: 'result',
    takesIdempotencyKey: false,
    doneWhenRefusedOnRepeat: 'draft_not_found',
    input: z.strictObject({ draftId }),
    output: z.object({}),
  },

  orderDraftPlace: {
    name: 'order_draft_place',
    summary: 'Places the order of a draft and removes the draft, in one transaction.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      draftId,
      paymentMethod: paymentMethod.optional(),
      walletAmount: amount(
        "The wallet's part with wallet_partial; as much as there is when left out.",
      ).optional(),
      expectedTotal: amount(
        'The total that the customer was shown; left out, the one it was saved with. Another one is refused as price_changed.',
      ).optional(),
      expectedVersion: expectedVersion.optional(),
      metadata: metadata.optional(),
      reservationId: id('A reservation that holds its stock.').optional(),
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
} as const satisfies Record<string, Procedure>;
