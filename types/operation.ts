import type { SupabaseClient } from '@supabase/supabase-js';
import { z } from 'zod';
import { acceptIdempotencyKey, acceptInput } from './input.ts';
import { LedgerError } from './ledger-error.ts';
import type { Operation } from './procedure.ts';
import { type Answer, type Sending, send } from './request.ts';
import { fromRow } from './wire.ts';

/** Columns that every operation answers. */
const verdictSchema = z.discriminatedUnion('success', [
  z.object({ success: z.literal(true) }),
  z.object({
    success: z.literal(false),
    error_code: z.string(),
    error_message: z.string(),
    error_details: z.record(z.string(), z.unknown()).nullable(),
  }),
]);

export interface CallOptions {
  signal?: AbortSignal;
}

export interface KeyedCallOptions extends CallOptions {
  /** The caller's own key, so that the call can be repeated later; else it gets a new one. */
  idempotencyKey?: string;
}

/** Calls an operation; its own fields come back, a refusal is thrown. */
export async function runOperation(
  supabase: Pick<SupabaseClient, 'rpc'>,
  operation: Operation,
  input: unknown,
  options: KeyedCallOptions,
  sending: Sending,
): Promise<unknown> {
  const procedure = operation.name;
  const args = acceptInput(procedure, operation.input, input);
  const idempotencyKey = operation.takesIdempotencyKey
    ? acceptIdempotencyKey(procedure, options.idempotencyKey)
    : undefined;
  const answer = await send(
    {
      procedure,
      // without a key the argument disappears in JSON
      call: (signal) =>
        supabase
          .rpc(procedure, { ...args, p_idempotency_key: idempotencyKey })
          .abortSignal(signal)
          .single(),
      idempotencyKey,
      signal: options.signal,
    },
    sending,
  );
  return readResult(operation, answer, idempotencyKey);
}

function readResult(
  operation: Operation,
  { data, attempt }: Answer,
  idempotencyKey: string | undefined,
): unknown {
  const verdict = verdictSchema.safeParse(data);
  if (!verdict.success) throw unexpectedAnswer(operation.name, verdict.error, data, idempotencyKey);
  if (!verdict.data.success) {
    const { error_code: code, error_message: message, error_details: details } = verdict.data;
    if (attempt > 1 && code === operation.doneWhenRefusedOnRepeat) return {};
    throw new LedgerError(code, message, details ?? {});
  }
  const output = operation.output.safeParse(fromRow(operation.output, data));
  if (!output.success) throw unexpectedAnswer(operation.name, output.error, data, idempotencyKey);
  return output.data;
}

export function unexpectedAnswer(
  procedure: string,
  error: z.ZodError,
  answer: unknown,
  idempotencyKey?: string,
): LedgerError {
  return new LedgerError(
    'unexpected_answer',
    `${procedure}: the answer is not what this client knows; its migrations and this client may be of two ages. ${z.prettifyError(error)}`,
    { issues: error.issues, answer, ...(idempotencyKey !== undefined && { idempotencyKey }) },
    error,
  );
}
