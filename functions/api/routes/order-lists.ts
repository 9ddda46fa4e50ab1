import { createRoute, z } from '@hono/zod-openapi';
import { id, moment } from '../../../types/fields.ts';
import { orderStatus, paymentStatus } from '../../../types/procedures/order-shapes.ts';
import { signedIn } from '../caller.ts';
import type { Api, ApiContext } from '../context.ts';
import { answerOf } from '../database.ts';
import { columnsOf, orderSummary } from '../order-schemas.ts';
import { decodeCursor, linkHeader, page, pageOf, pageParameters } from '../pagination.ts';
import { requirePermission } from '../permission.ts';
import { refusal } from '../problem.ts';
import { oneOrMore, wholeNumber } from '../query.ts';
import { json, readProblems } from '../responses.ts';

const total = (description: string) =>
  wholeNumber(z.int().min(0).describe(`${description} In minor units.`).optional());

const filters = {
  status: oneOrMore(orderStatus).describe('Only these statuses.'),
  payment_status: oneOrMore(paymentStatus).describe('Only these payment statuses.'),
  from: moment('Placed then or later.').optional(),
  to: moment('Placed before then.').optional(),
  number: z.string().min(1).max(100).describe('The order with this number.').optional(),
  minimum_total: total('Costs at least this.'),
  maximum_total: total('Costs at most this.'),
  sort: z
    .enum(['newest', 'oldest'])
    .default('newest')
    .describe('Which end of the list comes first.'),
  ...pageParameters,
};

const ownFilters = z.strictObject(filters);
const allFilters = z.strictObject({ ...filters, customer: id('Only this customer.').optional() });

type Filters = z.output<typeof allFilters>;

const cursorKey = z.object({ order_id: z.guid(), sort: z.enum(['newest', 'oldest']) });

export function addOrderLists(api: Api): void {
  const responses = {
    200: { ...json('A page.', pageOf(orderSummary)), headers: linkHeader },
    ...readProblems,
  };

  api.openapi(
    createRoute({
      method: 'get',
      path: '/orders',
      operationId: 'listOrders',
      tags: ['Orders'],
      summary: "The caller's own orders.",
      middleware: [signedIn] as const,
      request: { query: ownFilters },
      responses,
    }),
    async (c) => {
      const { userId } = c.get('caller');
      if (userId === undefined) {
        throw refusal('customer_required', 'A backend has no orders; GET /orders/admin has all.');
      }
      return c.json(await list(c, { ...c.req.valid('query'), customer: userId }), 200);
    },
  );

  api.openapi(
    createRoute({
      method: 'get',
      path: '/orders/admin',
      operationId: 'listAllOrders',
      tags: ['Management'],
      summary: "Everybody's orders. Needs orders.read.",
      middleware: [signedIn] as const,
      request: { query: allFilters },
      responses,
    }),
    async (c) => {
      await requirePermission(c, 'orders.read');
      return c.json(await list(c, c.req.valid('query')), 200);
    },
  );
}

/** Ids are time-ordered, so the key of the page is the id alone, and both ends are in its index. */
async function list(c: ApiContext, filter: Filters) {
  const { limit, sort } = filter;
  const after = decodeCursor(
    filter.after,
    cursorKey.refine((key) => key.sort === sort),
  );
  let query = c
    .get('database')
    .client.from('order_management')
    .select(columnsOf(orderSummary))
    .order('order_id', { ascending: sort === 'oldest' })
    .limit(limit + 1);
  if (filter.customer !== undefined) query = query.eq('user_id', filter.customer);
  if (filter.status) query = query.in('status', filter.status);
  if (filter.payment_status) query = query.in('payment_status', filter.payment_status);
  if (filter.from !== undefined) query = query.gte('created_at', filter.from);
  if (filter.to !== undefined) query = query.lt('created_at', filter.to);
  if (filter.number !== undefined) query = query.eq('order_number', filter.number);
  if (filter.minimum_total !== undefined) query = query.gte('total_amount', filter.minimum_total);
  if (filter.maximum_total !== undefined) query = query.lte('total_amount', filter.maximum_total);
  if (after !== undefined) {
    query =
      sort === 'newest'
        ? query.lt('order_id', after.order_id)
        : query.gt('order_id', after.order_id);
  }
  const rows = z.array(orderSummary).parse(await answerOf(query));
  return page(c, rows, limit, ({ order_id }) => ({ order_id, sort }));
}
