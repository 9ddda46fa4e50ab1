import { z } from '@hono/zod-openapi';
import { id } from '../../../types/fields.ts';
import { orders } from '../../../types/procedures/orders.ts';
import type { Api } from '../context.ts';
import { customerOf } from '../customer-of-order.ts';
import { procedureEndpoint } from '../procedure-endpoint.ts';
import { wholeNumber } from '../query.ts';
import { theOrder } from '../subject.ts';
import { onTheWire } from '../wire.ts';

const edit = {
  tag: 'Items',
  procedure: orders.editOrder,
  subject: theOrder,
  // so that staff who may not edit are told so, instead of that it is no order of theirs
  lookUp: customerOf,
  versioned: true,
} as const;

const input = onTheWire(orders.editOrder.input);

const lineNumber = wholeNumber(z.int().min(1).max(2_147_483_647).describe("The order's line."));
const quantity = z.int().min(1).max(2_147_483_647).describe('In units.');

/** What else an edit of one line can say; a dry run is for PUT /orders/{order_id}. */
const options = input.pick({
  expected_total: true,
  wallet_amount: true,
  to: true,
  reason: true,
});

/** Every way of changing what was ordered is an edit of the order: one procedure, one record. */
export function addItemRoutes(api: Api): void {
  procedureEndpoint(api, {
    ...edit,
    method: 'put',
    path: '/orders/{order_id}',
    operationId: 'editOrder',
    summary: 'Add, change and remove lines at once, or see what it would come to.',
    body: {
      schema: input.omit({ order_id: true, expected_version: true, user_id: true }),
      toArguments: (body) => body,
    },
    example: {
      changes: [
        { line_number: 1, quantity: 3 },
        { line_number: 2, quantity: 0 },
        { variant_id: '30000000-0000-4000-8000-000000000002', quantity: 1 },
      ],
      dry_run: true,
    },
  });

  procedureEndpoint(api, {
    ...edit,
    method: 'post',
    path: '/orders/{order_id}/items',
    operationId: 'addOrderItem',
    summary: 'Add a line at the present price.',
    body: {
      schema: options.extend({ variant_id: id('The product variant.'), quantity }),
      toArguments: ({ variant_id, quantity: units, ...more }) => ({
        ...more,
        changes: [{ variant_id, quantity: units }],
      }),
    },
    status: 201,
    example: { variant_id: '30000000-0000-4000-8000-000000000002', quantity: 1 },
  });

  procedureEndpoint(api, {
    ...edit,
    method: 'put',
    path: '/orders/{order_id}/items/{line_number}',
    operationId: 'changeOrderItem',
    summary: 'Change how many units a line has.',
    parameters: { line_number: lineNumber },
    body: {
      schema: options.extend({ quantity }),
      toArguments: ({ quantity: units, ...more }, { line_number }) => ({
        ...more,
        changes: [{ line_number, quantity: units }],
      }),
    },
    example: { quantity: 3 },
  });

  procedureEndpoint(api, {
    ...edit,
    method: 'delete',
    path: '/orders/{order_id}/items/{line_number}',
    operationId: 'removeOrderItem',
    summary: 'Remove a line.',
    parameters: { line_number: lineNumber },
    body: {
      schema: z.strictObject({}),
      toArguments: (_nothing, { line_number }) => ({ changes: [{ line_number, quantity: 0 }] }),
    },
  });
}
