import { z } from '@hono/zod-openapi';
import {
  amount,
  basisPoints,
  currency,
  id,
  moment,
  signedAmount,
  units,
} from '../../types/fields.ts';
import {
  orderStage,
  orderStatus,
  orderVersion,
  paymentMethod,
  paymentStatus,
  trackedStatus,
} from '../../types/procedures/order-shapes.ts';
import { onTheWire } from './wire.ts';

const exampleOrder = {
  order_id: '40000000-0000-4000-8000-000000000001',
  order_number: 'ORD00000001',
  user_id: '50000000-0000-4000-8000-000000000001',
  status: 'pending',
  payment_status: 'paid',
  stage: 'awaiting_confirmation',
  payment_method: 'wallet',
  currency: 'USD',
  total_amount: 3390,
  paid_amount: 3390,
  refunded_amount: 0,
  amount_due: 0,
  version: 1,
  created_at: '2026-01-31T12:00:00.123456+00:00',
  updated_at: '2026-01-31T12:00:00.123456+00:00',
} as const;

/** Rows of views, by the names of their columns. */
export const orderSummary = z
  .object({
    order_id: id('The order.'),
    order_number: z.string().describe('What people call it, such as ORD00000001.'),
    user_id: id('The customer.'),
    status: orderStatus,
    payment_status: paymentStatus,
    stage: orderStage,
    payment_method: paymentMethod,
    currency: currency('Currency of the order.'),
    total_amount: amount('What the order costs.'),
    paid_amount: amount('Everything that was ever paid.'),
    refunded_amount: amount('What of it went back.'),
    amount_due: amount('What is left to pay.'),
    version: orderVersion,
    created_at: moment('When it was placed.'),
    updated_at: moment('When it last changed.'),
  })
  .openapi('OrderSummary', { example: exampleOrder });

export const orderItem = z
  .object({
    line_number: z.int().min(1).describe('Names the line; never used again.'),
    variant_id: id('The product variant.'),
    vendor_id: id('Its vendor.').nullable(),
    product_name: z.string().describe('Name of the product when it was ordered.'),
    product_sku: z.string().describe('SKU of the variant.'),
    variant_name: z.string().describe('Name of the variant.'),
    quantity: units('How many.'),
    unit_price_amount: amount('Price of one unit when it was ordered.'),
    total_price_amount: amount('Price times quantity, before the discount.'),
    discount_amount: amount("The line's share of the discount."),
    tax_rate_bp: basisPoints('Tax rate.'),
    tax_amount: amount('Tax on the line after its discount.'),
  })
  .openapi('OrderItem');

const anyObject = z.record(z.string(), z.unknown());

const address = anyObject.describe('The address as it was when the order was placed.').nullable();

export const orderDetails = z
  .object({
    ...orderSummary.shape,
    prices_include_tax: z.boolean().describe('Whether the prices contain tax_amount.'),
    subtotal_amount: amount('The goods before the discount.'),
    discount_amount: amount('The discount.'),
    shipping_amount: amount('Shipping.'),
    tax_amount: amount("Sum of the lines' tax."),
    credited_amount: amount('How much of the total was taken back.'),
    wallet_amount: amount('What of paid_amount the wallet paid.'),
    outstanding_amount: signedAmount('What is owed; below zero when the house owes the customer.'),
    shipping_method: z.string().nullable().describe('Code of the shipping method.'),
    shipping_address: address,
    billing_address: address,
    notes: z.string().nullable().describe("The customer's notes."),
    metadata: anyObject.describe('What the caller kept with it.'),
    placed_by: id('Who placed it; null for a backend.').nullable(),
    items: z.array(orderItem).describe('The lines.'),
    history: z.array(onTheWire(trackedStatus)).describe('Every status it has had, oldest first.'),
  })
  .openapi('Order');

export const columnsOf = (schema: z.ZodObject): string => Object.keys(schema.shape).join(',');
