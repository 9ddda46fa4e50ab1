import { createRoute, z } from '@hono/zod-openapi';
import { id, moment } from '../../../types/fields.ts';
import { bulk, bulkOutcome } from '../../../types/procedures/bulk.ts';
import { orderStatus } from '../../../types/procedures/order-shapes.ts';
import { signedIn } from '../caller.ts';
import type { Api } from '../context.ts';
import { PUBLIC_BASE } from '../context.ts';
import { answerOf } from '../database.ts';
import { columnsOf } from '../order-schemas.ts';
import { refusal } from '../problem.ts';
import { idempotencyKey, procedureEndpoint } from '../procedure-endpoint.ts';
import { json, readProblems, writeHeaders, writeProblems } from '../responses.ts';
import { onTheWire } from '../wire.ts';

const outcome = onTheWire(bulkOutcome).omit({ bulk_change_id: true }).openapi('BulkOutcome');
const noted = z.object({ bulk_change_id: id('The bulk change, to follow it.') });
const done = noted.extend({
  orders: z.array(outcome).describe('One for each order, in the order asked.'),
});

const count = (description: string) => z.int().min(0).describe(`${description} In orders.`);
const progress = z
  .object({
    id: id('The bulk change.'),
    new_status: orderStatus,
    asked_orders: count('All of them.'),
    waiting_orders: count('Not looked at yet.'),
    succeeded_orders: count('Changed.'),
    failed_orders: count('Refused or failed.'),
    created_at: moment('When it was asked for.'),
    updated_at: moment('When it last went on.'),
  })
  .openapi('BulkChange');

const bulkChange = z.object({ bulk_change_id: id('The bulk change.') });

export function addBulkRoutes(api: Api): void {
  api.openapi(
    createRoute({
      method: 'post',
      path: '/orders/bulk-update',
      operationId: 'bulkUpdateOrders',
      tags: ['Management'],
      summary: 'Move many orders to a status; each has its own answer. For staff.',
      middleware: [signedIn] as const,
      request: {
        headers: z.object({ 'idempotency-key': idempotencyKey }),
        body: {
          required: true,
          content: {
            'application/json': {
              schema: onTheWire(bulk.bulkChangeStatus.input),
              example: {
                order_ids: ['40000000-0000-4000-8000-000000000001'],
                new_status: 'processing',
                actor_action: 'picked on Monday',
              },
            },
          },
        },
      },
      responses: {
        200: { ...json('What became of each order.', done), headers: writeHeaders },
        202: { ...json('Noted down, in background.', noted), headers: writeHeaders },
        ...writeProblems,
      },
    }),
    async (c) => {
      const body: Record<string, unknown> = c.req.valid('json');
      const rows = await c.get('database').callRows(bulk.bulkChangeStatus, {
        ...Object.fromEntries(Object.entries(body).map(([name, value]) => [`p_${name}`, value])),
        p_idempotency_key: c.req.valid('header')['idempotency-key'],
      });
      const [first] = z.array(noted).min(1).parse(rows);
      const bulk_change_id = first?.bulk_change_id ?? '';
      if (body.in_background === true) {
        c.header('location', `${PUBLIC_BASE}/bulk-changes/${bulk_change_id}`);
        return c.json({ bulk_change_id }, 202);
      }
      return c.json({ bulk_change_id, orders: z.array(outcome).parse(rows) }, 200);
    },
  );

  api.openapi(
    createRoute({
      method: 'get',
      path: '/bulk-changes/{bulk_change_id}',
      operationId: 'getBulkChange',
      tags: ['Management'],
      summary: 'How far a bulk change is. For staff.',
      middleware: [signedIn] as const,
      request: { params: bulkChange },
      responses: { 200: json('Its counts.', progress), ...readProblems },
    }),
    async (c) => {
      const { bulk_change_id } = c.req.valid('param');
      const { client } = c.get('database');
      const row = await answerOf(
        client
          .from('bulk_changes')
          .select(columnsOf(progress))
          .eq('id', bulk_change_id)
          .maybeSingle(),
      );
      if (row === null) {
        const detail = `There is no bulk change ${bulk_change_id}.`;
        throw refusal('bulk_change_not_found', detail, { bulk_change_id });
      }
      return c.json(progress.parse(row), 200);
    },
  );

  procedureEndpoint(api, {
    method: 'post',
    path: '/bulk-changes/{bulk_change_id}/continue',
    operationId: 'continueBulkChange',
    tag: 'Management',
    summary: 'Carry out the next orders of a bulk change. For who asked for it.',
    procedure: bulk.continueBulkChange,
    example: { limit: 100 },
  });
}
