import { createRoute, z } from '@hono/zod-openapi';
import { amount, currency, id, moment } from '../../../types/fields.ts';
import { drafts } from '../../../types/procedures/drafts.ts';
import { signedIn } from '../caller.ts';
import type { Api } from '../context.ts';
import { PUBLIC_BASE } from '../context.ts';
import { answerOf } from '../database.ts';
import { columnsOf } from '../order-schemas.ts';
import { decodeCursor, linkHeader, page, pageOf, pageParameters } from '../pagination.ts';
import { refusal } from '../problem.ts';
import { procedureEndpoint } from '../procedure-endpoint.ts';
import { json, readProblems } from '../responses.ts';
import { onTheWire } from '../wire.ts';

const draftSummary = z
  .object({
    id: id('The draft.'),
    currency: currency('Currency of the prices.'),
    total_amount: amount('What it would have cost when it was saved.'),
    notes: z.string().nullable().describe("The customer's notes."),
    version: z.int().min(1).describe('Rises with each save.'),
    created_at: moment('When it was first saved.'),
    updated_at: moment('When it was last saved.'),
  })
  .openapi('DraftSummary');

const tag = 'Checkout';
const input = onTheWire(drafts.orderDraftSave.input).omit({
  draft_id: true,
  expected_version: true,
});
const body = { schema: input, toArguments: (given: Record<string, unknown>) => given };
const example = {
  items: [{ variant_id: '30000000-0000-4000-8000-000000000001', quantity: 2 }],
  notes: 'for the garden',
};

export function addDraftRoutes(api: Api): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/drafts',
      operationId: 'listDrafts',
      tags: [tag],
      summary: "The caller's drafts, newest first.",
      middleware: [signedIn] as const,
      request: { query: z.strictObject(pageParameters) },
      responses: {
        200: { ...json('A page.', pageOf(draftSummary)), headers: linkHeader },
        ...readProblems,
      },
    }),
    async (c) => {
      const { userId } = c.get('caller');
      if (userId === undefined) throw refusal('customer_required', 'A backend has no drafts.');
      const { limit, after } = c.req.valid('query');
      const last = decodeCursor(after, z.object({ id: z.guid() }));
      const own = c
        .get('database')
        .client.from('order_drafts')
        .select(columnsOf(draftSummary))
        .eq('user_id', userId)
        .order('id', { ascending: false })
        .limit(limit + 1);
      const rows = await answerOf(last === undefined ? own : own.lt('id', last.id));
      return c.json(
        page(c, z.array(draftSummary).parse(rows), limit, (row) => ({ id: row.id })),
        200,
      );
    },
  );

  procedureEndpoint(api, {
    method: 'post',
    path: '/drafts',
    operationId: 'saveDraft',
    tag,
    summary: 'Keep a cart on the server.',
    procedure: drafts.orderDraftSave,
    body,
    status: 201,
    location: ({ draft_id }) => `${PUBLIC_BASE}/drafts/${draft_id}`,
    example,
  });
  procedureEndpoint(api, {
    method: 'get',
    path: '/drafts/{draft_id}',
    operationId: 'getDraft',
    tag,
    summary: 'A draft at present prices.',
    procedure: drafts.orderDraftGet,
  });
  procedureEndpoint(api, {
    method: 'put',
    path: '/drafts/{draft_id}',
    operationId: 'replaceDraft',
    tag,
    summary: 'Replace a draft as a whole.',
    procedure: drafts.orderDraftSave,
    versioned: true,
    body,
    example,
  });
  procedureEndpoint(api, {
    method: 'delete',
    path: '/drafts/{draft_id}',
    operationId: 'deleteDraft',
    tag,
    summary: 'Remove a draft.',
    procedure: drafts.orderDraftDelete,
    status: 204,
  });
  procedureEndpoint(api, {
    method: 'post',
    path: '/drafts/{draft_id}/place',
    operationId: 'placeDraft',
    tag,
    summary: 'Place the order of a draft.',
    procedure: drafts.orderDraftPlace,
    versioned: true,
    status: 201,
    location: ({ order_id }) => `${PUBLIC_BASE}/orders/${order_id}`,
    example: { payment_method: 'wallet', expected_total: 2900 },
  });
}
