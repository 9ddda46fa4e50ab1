import { moment, text } from '../../../types/fields.ts';
import { orders } from '../../../types/procedures/orders.ts';
import type { Api } from '../context.ts';
import { customerOf } from '../customer-of-order.ts';
import type { Row } from '../database.ts';
import { procedureEndpoint } from '../procedure-endpoint.ts';
import { theOrder } from '../subject.ts';
import { onTheWire } from '../wire.ts';

export function addOrderStatusRoutes(api: Api): void {
  procedureEndpoint(api, {
    method: 'patch',
    path: '/orders/{order_id}/status',
    operationId: 'setOrderStatus',
    tag: 'Orders',
    summary: 'Move an order to another status. For staff.',
    procedure: orders.setOrderStatus,
    subject: theOrder,
    versioned: true,
    body: {
      schema: statusBody,
      // Where the procedure looks for what it tells the shipment.
      toArguments: ({ metadata, carrier, tracking_number, estimated_delivery_at, ...body }) => ({
        ...body,
        metadata: given({ ...(metadata as Row), carrier, tracking_number, estimated_delivery_at }),
      }),
    },
    example: {
      status: 'shipped',
      notes: 'Order shipped via FedEx',
      carrier: 'FedEx',
      tracking_number: '1234567890',
    },
  });

  procedureEndpoint(api, {
    method: 'post',
    path: '/orders/{order_id}/cancel',
    operationId: 'cancelOrder',
    tag: 'Orders',
    summary: 'Cancel an order, while its status and the cancellation window allow it.',
    procedure: orders.cancelOrder,
    subject: theOrder,
    body: {
      schema: onTheWire(orders.cancelOrder.input).omit({ order_id: true, user_id: true }),
      toArguments: (body) => body,
    },
    lookUp: customerOf,
    example: { reason: 'Ordered twice' },
  });
}

const statusBody = onTheWire(orders.setOrderStatus.input)
  .omit({ order_id: true, expected_version: true })
  .extend({
    carrier: text(1, 100, 'Who carries what becomes shipped by this.').optional(),
    tracking_number: text(1, 200, "The carrier's number of it.").optional(),
    estimated_delivery_at: moment('When it should arrive.').optional(),
  });

const given = (fields: Row): Row =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
