import type { SupabaseClient } from '@supabase/supabase-js';
import { z } from 'zod';
import { acceptIdempotencyKey, acceptInput } from './input.ts';
import { LedgerError } from './ledger-error.ts';
import { pageSize } from './listing.ts';
import { type KeyedCallOptions, unexpectedAnswer } from './operation.ts';
import type { Batch } from './procedure.ts';
import { type Sending, send } from './request.ts';
import { fromRow } from './wire.ts';

/** A refusal of the whole call: the one row that names nothing of what was asked. */
const refusalSchema = z.tuple([
  z.object({
    success: z.literal(false),
    error_code: z.string(),
    error_message: z.string(),
    error_details: z.record(z.string(), z.unknown()).nullable(),
  }),
]);

/**
 * Calls a batch; every row comes back with its own verdict, a refusal of the whole call is thrown.
 * Long answers are read page by page under one key, which does nothing twice.
 */
export async function runBatch(
  supabase: Pick<SupabaseClient, 'rpc'>,
  batch: Batch,
  input: unknown,
  options: KeyedCallOptions,
  sending: Sending,
): Promise<unknown[]> {
  const procedure = batch.name;
  const args = acceptInput(procedure, batch.input, input);
  const idempotencyKey = acceptIdempotencyKey(procedure, options.idempotencyKey);
  const pageSchema = z.array(batch.row);
  const rows: unknown[] = [];
  for (;;) {
    const { data } = await send(
      {
        procedure,
        call: (signal) =>
          supabase
            .rpc(procedure, { ...args, p_idempotency_key: idempotencyKey })
            .range(rows.length, rows.length + pageSize - 1)
            .abortSignal(signal),
        idempotencyKey,
        signal: options.signal,
      },
      sending,
    );
    const page = pageSchema.safeParse(fromRow(pageSchema, data));
    if (!page.success) {
      const refusal = refusalSchema.safeParse(data);
      if (!refusal.success) throw unexpectedAnswer(procedure, page.error, data, idempotencyKey);
      const [{ error_code: code, error_message: message, error_details: details }] = refusal.data;
      throw new LedgerError(code, message, details ?? {});
    }
    rows.push(...page.data);
    if (page.data.length < pageSize) return rows;
  }
}
