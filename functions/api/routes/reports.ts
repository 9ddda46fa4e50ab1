import { createRoute, z } from '@hono/zod-openapi';
import { currency, id, moment } from '../../../types/fields.ts';
import type { Operation } from '../../../types/procedure.ts';
import { kpis } from '../../../types/procedures/kpis.ts';
import { marketplace } from '../../../types/procedures/marketplace.ts';
import { reports } from '../../../types/procedures/reports.ts';
import { signedIn } from '../caller.ts';
import type { Api } from '../context.ts';
import { invalidInput } from '../problem.ts';
import { json, readProblems } from '../responses.ts';
import { onTheWire } from '../wire.ts';

const range = {
  period: z
    .enum(['day', 'week', 'month', 'year'])
    .describe('The last 1, 7, 30 or 365 days; not together with from and to.')
    .openapi({ example: 'month' })
    .optional(),
  from: moment('Orders placed from then on.').optional(),
  to: moment('Orders placed before.').optional(),
};

export function addReportRoutes(api: Api): void {
  report(api, {
    path: '/orders/analytics',
    operationId: 'analyseOrders',
    summary: 'How the shop does. Needs reports.read.',
    procedure: reports.reportOrders,
    query: z.strictObject({
      ...range,
      currency: currency("Orders in this currency; the shop's default when left out.").optional(),
    }),
  });
  report(api, {
    path: '/reports/integrity',
    operationId: 'reportIntegrity',
    summary: "The shop's health, for a dashboard. Needs reports.read or audit.read.",
    procedure: kpis.reportIntegrity,
    query: z.strictObject({}),
  });
  report(api, {
    path: '/orders/vendor/analytics',
    operationId: 'analyseVendor',
    summary: "What a vendor sold, and what of it is theirs. For the vendor's owner and staff.",
    procedure: marketplace.reportVendor,
    query: z.strictObject({
      ...range,
      vendor_id: id("The vendor; the caller's own when left out.").optional(),
    }),
  });
}

interface Report {
  path: string;
  operationId: string;
  summary: string;
  procedure: Operation;
  query: z.ZodObject;
}

function report(api: Api, { path, operationId, summary, procedure, query }: Report): void {
  const output = onTheWire(procedure.output);
  api.openapi(
    createRoute({
      method: 'get',
      path,
      operationId,
      tags: ['Management'],
      summary,
      middleware: [signedIn] as const,
      request: { query },
      responses: { 200: json('The report.', output), ...readProblems },
    }),
    async (c) => {
      const { period, ...asked } = c.req.valid('query');
      const args = { ...asked, ...(typeof period === 'string' && last(period, asked)) };
      const row = await c
        .get('database')
        .call(
          procedure,
          Object.fromEntries(Object.entries(args).map(([name, value]) => [`p_${name}`, value])),
        );
      return c.json(output.parse(row), 200);
    },
  );
}

const days: Record<string, number> = { day: 1, week: 7, month: 30, year: 365 };

function last(period: string, { from, to }: Record<string, unknown>): Record<string, unknown> {
  if (from !== undefined || to !== undefined) {
    throw invalidInput([
      { in: 'query', path: '/period', message: 'is not for use together with from or to' },
    ]);
  }
  const end = new Date();
  return { from: new Date(end.getTime() - (days[period] ?? 0) * 86_400_000), to: end };
}
