import type { SupabaseClient } from '@supabase/supabase-js';
import { z } from 'zod';
import { acceptInput } from './input.ts';
import { type CallOptions, unexpectedAnswer } from './operation.ts';
import type { Listing } from './procedure.ts';
import { type Sending, send } from './request.ts';
import { columnName, fromRow } from './wire.ts';

/** What a hosted project answers at most at once; a server that gives less is asked more often. */
export const pageSize = 1000;

/** All rows of a listing, page by page: a list that is cut off would read as complete. */
export async function runListing(
  supabase: Pick<SupabaseClient, 'rpc'>,
  listing: Listing,
  input: unknown,
  { signal }: CallOptions,
  sending: Sending,
): Promise<unknown[]> {
  const procedure = listing.name;
  const args = acceptInput(procedure, listing.input, input);
  const pageSchema = z.array(listing.row);
  const rows: unknown[] = [];
  for (;;) {
    const call = (attemptSignal: AbortSignal) => {
      const page = supabase
        .rpc(procedure, args, { count: 'exact' })
        .range(rows.length, rows.length + pageSize - 1);
      return listing.orderBy
        .reduce((ordered, field) => ordered.order(columnName(field)), page)
        .abortSignal(attemptSignal);
    };
    const { data, count } = await send({ procedure, call, signal }, sending);
    const page = pageSchema.safeParse(fromRow(pageSchema, data));
    if (!page.success) throw unexpectedAnswer(procedure, page.error, data);
    rows.push(...page.data);
    if (page.data.length === 0 || rows.length === count) return rows;
  }
}
