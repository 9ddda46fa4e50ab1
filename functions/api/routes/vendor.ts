import { createRoute, z } from '@hono/zod-openapi';
import { id, moment } from '../../../types/fields.ts';
import { marketplace } from '../../../types/procedures/marketplace.ts';
import { orderStatus } from '../../../types/procedures/order-shapes.ts';
import { signedIn } from '../caller.ts';
import type { Api } from '../context.ts';
import { answerOf } from '../database.ts';
import { decodeCursor, linkHeader, page, pageOf, pageParameters } from '../pagination.ts';
import { json, readProblems } from '../responses.ts';
import { onTheWire } from '../wire.ts';

const vendorLine = onTheWire(marketplace.vendorOrderLines.row).openapi('VendorOrderLine');
const vendorCursor = z.object({ order_id: z.guid(), line_number: z.int().min(1) });

export function addVendorRoutes(api: Api): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/orders/vendor',
      operationId: 'listVendorOrderLines',
      tags: ['Management'],
      summary: "Order lines of a vendor's products, newest order first. For the vendor's owner.",
      middleware: [signedIn] as const,
      request: {
        query: z.strictObject({
          vendor_id: id('One vendor; all that the caller owns when left out.').optional(),
          status: orderStatus.optional(),
          from: moment('Orders placed from then on.').optional(),
          to: moment('Orders placed before.').optional(),
          ...pageParameters,
        }),
      },
      responses: {
        200: { ...json('A page.', pageOf(vendorLine)), headers: linkHeader },
        ...readProblems,
      },
    }),
    async (c) => {
      const { limit, after, status, vendor_id, from, to } = c.req.valid('query');
      const last = decodeCursor(after, vendorCursor);
      const rows = await answerOf(
        c.get('database').client.rpc(marketplace.vendorOrderLines.name, {
          p_vendor_id: vendor_id,
          p_order_status: status,
          p_from: from,
          p_to: to,
          p_after_order_id: last?.order_id,
          p_after_line: last?.line_number,
          p_limit: limit + 1,
        }),
      );
      const lines = z.array(vendorLine).parse(rows);
      return c.json(
        page(c, lines, limit, ({ order_id, line_number }) => ({ order_id, line_number })),
        200,
      );
    },
  );
}
