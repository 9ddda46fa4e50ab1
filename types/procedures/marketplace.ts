import { z } from 'zod';
import { amount, basisPoints, currency, id, moment, signedAmount, units } from '../fields.ts';
import type { Procedure } from '../procedure.ts';
import { orderStatus } from './order-shapes.ts';

const vendorAddress = z
  .object({
    recipient: z.string().describe('Who receives it.'),
    line1: z.string().describe('Street and number.'),
    line2: z.string().describe('More of it.'),
    city: z.string().describe('City.'),
    region: z.string().describe('Region.'),
    postalCode: z.string().describe('Postal code.'),
    country: z.string().describe('ISO 3166-1, two letters.'),
    phone: z.string().describe('For the carrier.'),
  })
  .partial()
  .describe('Where the goods go; what the customer did not give is not in it.');

export const vendorOrderLine = z
  .object({
    orderId: id('The order.'),
    orderNumber: z.string().describe('What people call it, such as ORD00000001.'),
    orderStatus,
    lineNumber: z.int().min(1).describe("The line's number in the order."),
    vendorId: id('The vendor.'),
    variantId: id('The product variant.'),
    productName: z.string().describe('Name of the product when it was sold.'),
    productSku: z.string().describe('SKU of the variant when it was sold.'),
    variantName: z.string().describe('Name of the variant when it was sold.'),
    quantity: units('What was ordered.'),
    shippedQuantity: units('What has left.'),
    refundedQuantity: units('What was taken back.'),
    currency: currency('Currency of the order.'),
    unitPriceAmount: amount('Price of one unit.'),
    totalPriceAmount: amount('Price times quantity, before the discount.'),
    discountAmount: amount("The line's share of the discount."),
    taxAmount: amount('Tax on the line.'),
    platformRateBp: basisPoints('The rate.')
      .nullable()
      .describe("The platform's share in basis points, as it was when the line was sold."),
    shareAmount: amount('What the units that were not refunded are worth to the vendor.'),
    placedAt: moment('When the order was placed.'),
    shippingMethod: z.string().nullable().describe('Code of the shipping method.'),
    shippingAddress: vendorAddress
      .nullable()
      .describe('Null unless the order is confirmed, processing, shipped or delivered.'),
  })
  .describe("A line of a vendor's product in an order.");

const vendorSales = {
  orders: z.int().min(0).describe('Orders with lines of the vendor.'),
  units: units('What they ordered of the vendor.'),
  grossAmount: amount('Their price before discounts.'),
  discountAmount: amount('Their shares of discounts.'),
  platformFeeAmount: amount('What of them is the platform.'),
  shareAmount: amount('What of them is the vendor.'),
  earnedAmount: amount('What deliveries credited.'),
  clawedBackAmount: amount('What refunds took back of it.'),
};

export const vendorFigures = z
  .object({
    currency: currency('Currency.'),
    ...vendorSales,
    paidToWalletAmount: signedAmount("What went into the owner's wallet and was not taken back."),
    payableAmount: amount('What waits because nobody owns the vendor.'),
    byStatus: z
      .array(z.object({ status: orderStatus, ...vendorSales }))
      .describe('The same for the orders of each status.'),
  })
  .describe('Figures in one currency; up to shareAmount without rejected and cancelled orders.');

const range = {
  from: moment('Orders placed from then on; 30 days before `to` when left out.').optional(),
  to: moment('Orders placed before; now when left out.').optional(),
};

export const marketplace = {
  vendorOrderLines: {
    name: 'vendor_order_lines',
    summary: "Order lines of a vendor's products, newest order first. For the vendor's owner.",
    answers: 'rows',
    input: z.strictObject({
      vendorId: id('One vendor; all that the caller owns when left out.').optional(),
      orderStatus: orderStatus.optional(),
      from: moment('Orders placed from then on.').optional(),
      to: moment('Orders placed before.').optional(),
      afterOrderId: id('The order of the last line seen, for the next page.').optional(),
      afterLine: z.int().min(1).max(2_147_483_647).describe('The number of that line.').optional(),
      limit: z
        .int()
        .min(1)
        .max(200)
        .describe('How many lines at most; 50 when left out.')
        .optional(),
    }),
    row: vendorOrderLine,
    // they come in their order, a page at a time
    orderBy: [],
  },

  reportVendor: {
    name: 'report_vendor',
    summary: "What a vendor sold and what of it is theirs. For the vendor's owner.",
    answers: 'result',
    takesIdempotencyKey: false,
    input: z.strictObject({
      vendorId: id("The vendor; the caller's own when left out.").optional(),
      ...range,
    }),
    output: z.object({
      vendorId: id('The vendor.'),
      vendorName: z.string().describe('Its name.'),
      fromAt: moment('Start of the range.'),
      toAt: moment('End of the range.'),
      currencies: z.array(vendorFigures).describe('Figures per currency.'),
    }),
  },
} as const satisfies Record<string, Procedure>;
