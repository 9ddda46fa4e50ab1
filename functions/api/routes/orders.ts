import { createRoute, z } from '@hono/zod-openapi';
import { id } from '../../../types/fields.ts';
import { orders } from '../../../types/procedures/orders.ts';
import { signedIn } from '../caller.ts';
import type { Api, ApiContext } from '../context.ts';
import { PUBLIC_BASE } from '../context.ts';
import { orderNotFound } from '../customer-of-order.ts';
import { answerOf } from '../database.ts';
import { columnsOf, orderDetails, orderItem } from '../order-schemas.ts';
import { entityTag, ifNoneMatch, isKnown } from '../preconditions.ts';
import { procedureEndpoint } from '../procedure-endpoint.ts';
import { etagHeader, json, readProblems } from '../responses.ts';

export const orderParameters = z.object({ order_id: id('The order.') });

export function addOrderRoutes(api: Api): void {
  procedureEndpoint(api, {
    method: 'post',
    path: '/orders',
    operationId: 'placeOrder',
    tag: 'Orders',
    summary: 'Place an order.',
    procedure: orders.placeOrder,
    status: 201,
    location: ({ order_id }) => `${PUBLIC_BASE}/orders/${order_id}`,
    example: {
      items: [exampleItem],
      payment_method: 'wallet',
      shipping_method: 'standard',
      expected_total: 3390,
      notes: 'Please deliver during business hours',
    },
  });

  api.openapi(
    createRoute({
      method: 'get',
      path: '/orders/{order_id}',
      operationId: 'getOrder',
      tags: ['Orders'],
      summary: 'An order with its items, addresses and history.',
      middleware: [signedIn] as const,
      request: { params: orderParameters, headers: z.object({ 'if-none-match': ifNoneMatch }) },
      responses: {
        200: { ...json('The order.', orderDetails), headers: etagHeader },
        304: { description: 'It is the version that the caller knows.', headers: etagHeader },
        ...readProblems,
      },
    }),
    async (c) => {
      const { order_id } = c.req.valid('param');
      const order = await readOrder(c, order_id);
      const tag = entityTag(order.version);
      c.header('etag', tag);
      if (isKnown(tag, c.req.valid('header')['if-none-match'])) return c.body(null, 304);
      return c.json(order, 200);
    },
  );

  api.openapi(
    createRoute({
      method: 'get',
      path: '/orders/{order_id}/items',
      operationId: 'listOrderItems',
      tags: ['Items'],
      summary: 'The lines of an order.',
      middleware: [signedIn] as const,
      request: { params: orderParameters },
      responses: {
        200: { ...json('The lines.', z.array(orderItem)), headers: etagHeader },
        ...readProblems,
      },
    }),
    async (c) => {
      const { items, version } = await readOrder(c, c.req.valid('param').order_id);
      c.header('etag', entityTag(version));
      return c.json(items, 200);
    },
  );

  procedureEndpoint(api, {
    method: 'get',
    path: '/orders/{order_id}/tracking',
    operationId: 'trackOrder',
    tag: 'Orders',
    summary: 'Where an order is, and what the caller can do next.',
    procedure: orders.orderTracking,
  });
}

const exampleItem = { variant_id: '30000000-0000-4000-8000-000000000001', quantity: 2 };

/** Lines and history come with their order, so that all of it is of the version in the ETag. */
async function readOrder(c: ApiContext, orderId: string): Promise<z.output<typeof orderDetails>> {
  const row = await answerOf(
    c
      .get('database')
      .client.from('order_details')
      .select(columnsOf(orderDetails))
      .eq('order_id', orderId)
      .maybeSingle(),
  );
  if (row === null) throw orderNotFound(orderId);
  return orderDetails.parse(row);
}
