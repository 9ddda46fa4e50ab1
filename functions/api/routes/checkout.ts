import { z } from '@hono/zod-openapi';
import { orders } from '../../../types/procedures/orders.ts';
import { reservations } from '../../../types/procedures/reservations.ts';
import type { Api } from '../context.ts';
import { procedureEndpoint } from '../procedure-endpoint.ts';

const exampleItem = { variant_id: '30000000-0000-4000-8000-000000000001', quantity: 2 };

export function addCheckoutRoutes(api: Api): void {
  procedureEndpoint(api, {
    method: 'post',
    path: '/orders/quote',
    operationId: 'quoteOrder',
    tag: 'Checkout',
    summary: 'What an order would cost, without placing it; also for visitors.',
    procedure: orders.orderQuote,
    isPublic: true,
    example: { items: [exampleItem], shipping_method: 'standard', discount_code: 'WELCOME10' },
  });

  procedureEndpoint(api, {
    method: 'post',
    path: '/reservations',
    operationId: 'reserveStock',
    tag: 'Checkout',
    summary: 'Hold stock for some minutes; placing the order with reservation_id consumes it.',
    procedure: reservations.orderReserve,
    status: 201,
    example: { items: [exampleItem], minutes: 15 },
  });

  procedureEndpoint(api, {
    method: 'delete',
    path: '/reservations/{reservation_id}',
    operationId: 'releaseReservation',
    tag: 'Checkout',
    summary: 'Give back what a reservation holds.',
    procedure: reservations.orderReleaseReservation,
    body: { schema: z.strictObject({}), toArguments: (body) => body },
  });
}
