import { createRoute, z } from '@hono/zod-openapi';
import { id } from '../../types/fields.ts';
import { signedIn } from './caller.ts';
import type { Api } from './context.ts';
import { orderNotFound } from './customer-of-order.ts';
import { answerOf } from './database.ts';
import { json, readProblems } from './responses.ts';

interface OrderParts {
  /** The table, which refers to orders. */
  relation: 'shipments' | 'returns' | 'refunds' | 'payments';
  operationId: string;
  tag: string;
  summary: string;
  /** A row; an array in it is a table that refers to this one. */
  row: z.ZodObject;
}

/** GET /orders/{order_id}/<parts>: all there are, the oldest first; there are never many. */
export function orderParts(
  api: Api,
  { relation, operationId, tag, summary, row }: OrderParts,
): void {
  const columns = selectionOf(row);
  const rows = z.array(row);
  api.openapi(
    createRoute({
      method: 'get',
      path: `/orders/{order_id}/${relation}`,
      operationId,
      tags: [tag],
      summary,
      middleware: [signedIn] as const,
      request: { params: z.object({ order_id: id('The order.') }) },
      responses: { 200: json('All of them, the oldest first.', rows), ...readProblems },
    }),
    async (c) => {
      const { order_id } = c.req.valid('param');
      const order = await answerOf(
        c
          .get('database')
          .client.from('orders')
          .select(`id,${relation}(${columns})`)
          .eq('id', order_id)
          .order('id', { referencedTable: relation })
          .maybeSingle<Record<string, unknown>>(),
      );
      if (order === null) throw orderNotFound(order_id);
      return c.json(rows.parse(order[relation]), 200);
    },
  );
}

function selectionOf(row: z.ZodObject): string {
  const columns = Object.entries(row.shape as Record<string, z.ZodType>).map(([name, field]) =>
    field instanceof z.ZodArray && field.element instanceof z.ZodObject
      ? `${name}(${selectionOf(field.element)})`
      : name,
  );
  return columns.join(',');
}
