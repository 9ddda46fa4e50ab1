import { z } from '@hono/zod-openapi';
import type { ApiContext } from './context.ts';
import { PUBLIC_BASE } from './context.ts';
import { invalidInput } from './problem.ts';
import { wholeNumber } from './query.ts';

export const pageParameters = {
  limit: wholeNumber(z.int().min(1).max(100).default(50).describe('Rows of a page.')),
  after: z
    .string()
    .min(1)
    .max(500)
    .describe('Where the page before ended: its `next_cursor`.')
    .optional(),
};

export const linkHeader = z.object({
  Link: z.string().describe('The next page, as rel="next"; left out on the last one.').optional(),
});

export const pageOf = (row: z.ZodType) =>
  z.object({
    items: z.array(row).describe('The rows of this page.'),
    next_cursor: z.string().nullable().describe('For `after` of the next page; null on the last.'),
  });

/** A cursor holds the key of the last row; clients are to take it as it is. */
export const encodeCursor = (key: Record<string, unknown>): string =>
  btoa(JSON.stringify(key)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

export function decodeCursor<Schema extends z.ZodType>(
  cursor: string | undefined,
  key: Schema,
): z.output<Schema> | undefined {
  if (cursor === undefined) return undefined;
  try {
    const text = atob(cursor.replaceAll('-', '+').replaceAll('_', '/'));
    const parsed = key.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
  } catch {
    // no base64 or no JSON: answered below, like the wrong key
  }
  throw invalidInput([
    { in: 'query', path: '/after', message: 'is no next_cursor of this list and this order' },
  ]);
}

/** A page out of rows of which one more was asked for than the page has. */
export function page<Row>(
  c: ApiContext,
  rows: Row[],
  limit: number,
  keyOf: (row: Row) => Record<string, unknown>,
): { items: Row[]; next_cursor: string | null } {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  if (rows.length <= limit || last === undefined) return { items, next_cursor: null };
  const cursor = encodeCursor(keyOf(last));
  const url = new URL(c.req.url);
  url.searchParams.set('after', cursor);
  const path = url.pathname.replace(/^\/api\/v1/, PUBLIC_BASE);
  c.header('link', `<${path}${url.search}>; rel="next"`);
  return { items, next_cursor: cursor };
}
