import { z } from '@hono/zod-openapi';
import { id, moment, units } from '../../../types/fields.ts';
import { fulfilment } from '../../../types/procedures/fulfilment.ts';
import { returnStatus } from '../../../types/procedures/order-shapes.ts';
import type { Api } from '../context.ts';
import { customerOf } from '../customer-of-order.ts';
import { orderParts } from '../order-parts.ts';
import { procedureEndpoint } from '../procedure-endpoint.ts';
import { theOrder } from '../subject.ts';
import { onTheWire } from '../wire.ts';

const lineNumber = z.int().min(1).describe("The order's line.");

const shipment = z
  .object({
    id: id('The shipment.'),
    shipment_number: z.int().min(1).describe('Counts from 1 within the order.'),
    status: z.enum(['shipped', 'delivered']).describe('Whether it has arrived.'),
    carrier: z.string().nullable().describe('Who carries it.'),
    tracking_number: z.string().nullable().describe("The carrier's number for it."),
    estimated_delivery_at: moment('When it is expected to arrive.').nullable(),
    shipped_at: moment('When it went out.'),
    delivered_at: moment('When it arrived.').nullable(),
    shipment_lines: z
      .array(z.object({ line_number: lineNumber, quantity: units('What is in it.') }))
      .describe('What is in it.'),
  })
  .openapi('Shipment');

const returned = z
  .object({
    id: id('The return.'),
    status: returnStatus,
    reason: z.string().nullable().describe('Why.'),
    review_notes: z.string().nullable().describe('What was said of it.'),
    created_at: moment('When it was asked for.'),
    updated_at: moment('When it last changed.'),
    return_lines: z
      .array(
        z.object({
          line_number: lineNumber,
          quantity: units('Asked to come back.'),
          reason: z.string().nullable().describe('Why.'),
          approved_quantity: units('Approved to come back.'),
          restocked_quantity: units('Arrived and back in stock.'),
          written_off_quantity: units('Arrived and written off.'),
          refunded_quantity: units('Of these, refunded.'),
        }),
      )
      .describe('What comes back.'),
  })
  .openapi('Return');

export function addFulfilmentRoutes(api: Api): void {
  orderParts(api, {
    relation: 'shipments',
    operationId: 'listShipments',
    tag: 'Fulfilment',
    summary: 'What has gone out of an order.',
    row: shipment,
  });
  procedureEndpoint(api, {
    method: 'post',
    path: '/orders/{order_id}/shipments',
    operationId: 'shipOrder',
    tag: 'Fulfilment',
    summary: 'Ship some or all that is left of an order. For staff.',
    procedure: fulfilment.shipOrder,
    subject: theOrder,
    status: 201,
    example: {
      lines: [{ line_number: 1, quantity: 2 }],
      carrier: 'FedEx',
      tracking_number: '1234567890',
    },
  });
  procedureEndpoint(api, {
    method: 'post',
    path: '/shipments/{shipment_id}/delivery',
    operationId: 'confirmDelivery',
    tag: 'Fulfilment',
    summary: 'A shipment has arrived. For staff.',
    procedure: fulfilment.confirmDelivery,
    subject: {
      relation: 'shipments',
      parameter: 'shipment_id',
      notFound: 'shipment_not_found',
    },
    example: { delivered_at: '2026-01-31T12:00:00Z' },
  });

  orderParts(api, {
    relation: 'returns',
    operationId: 'listReturns',
    tag: 'Fulfilment',
    summary: 'What comes back of an order.',
    row: returned,
  });
  procedureEndpoint(api, {
    method: 'post',
    path: '/orders/{order_id}/returns',
    operationId: 'requestReturn',
    tag: 'Fulfilment',
    summary: 'Ask to return units of an order.',
    procedure: fulfilment.requestReturn,
    subject: theOrder,
    lookUp: customerOf,
    body: {
      schema: onTheWire(fulfilment.requestReturn.input).omit({ order_id: true, user_id: true }),
      toArguments: (body) => body,
    },
    status: 201,
    example: { lines: [{ line_number: 1, quantity: 1, reason: 'chipped' }] },
  });
  procedureEndpoint(api, {
    method: 'patch',
    path: '/returns/{return_id}',
    operationId: 'reviewReturn',
    tag: 'Fulfilment',
    summary: 'Approve, reject, receive or close a return. For staff.',
    procedure: fulfilment.reviewReturn,
    subject: { relation: 'returns', parameter: 'return_id', notFound: 'return_not_found' },
    example: { action: 'receive', lines: [{ line_number: 1, received: 1, restock: 1 }] },
  });
}
