import type { SupabaseClient } from '@supabase/supabase-js';
import type { z } from 'zod';
import { runBatch } from './batch.ts';
import { runListing } from './listing.ts';
import { type CallOptions, type KeyedCallOptions, runOperation } from './operation.ts';
import type { Batch, Listing, Operation, Procedure } from './procedure.ts';
import { type ProcedureMethod, type Procedures, procedures } from './procedures/index.ts';
import type { Sending } from './request.ts';

export type ProcedureInput<Method extends ProcedureMethod> = z.input<Procedures[Method]['input']>;

export type ProcedureOutput<Method extends ProcedureMethod> = OutputOf<Procedures[Method]>;

type OutputOf<P extends Procedure> = P extends Operation
  ? z.output<P['output']>
  : P extends Listing | Batch
    ? z.output<P['row']>[]
    : never;

type OptionsOf<P extends Procedure> = P extends { takesIdempotencyKey: true }
  ? KeyedCallOptions
  : CallOptions;

type MethodOf<P extends Procedure> =
  Record<never, never> extends z.input<P['input']>
    ? (input?: z.input<P['input']>, options?: OptionsOf<P>) => Promise<OutputOf<P>>
    : (input: z.input<P['input']>, options?: OptionsOf<P>) => Promise<OutputOf<P>>;

/** One method per procedure; each answers its typed result or throws a `LedgerError`. */
export type OrderLedger = { [Method in ProcedureMethod]: MethodOf<Procedures[Method]> };

/**
 * The procedures as methods of a supabase-js client, acting as whoever is signed in there. A call
 * whose connection is lost is sent again, under the same idempotency key; a refusal never is.
 */
export function createOrderLedger(
  supabase: Pick<SupabaseClient, 'rpc'>,
  options: Partial<Sending> = {},
): OrderLedger {
  const sending = { retries: 5, retryDelay: 250, attemptTimeout: 30_000, ...options };
  const method =
    (procedure: Procedure) =>
    (input: unknown = {}, callOptions: KeyedCallOptions = {}) => {
      switch (procedure.answers) {
        case 'rows':
          return runListing(supabase, procedure, input, callOptions, sending);
        case 'results':
          return runBatch(supabase, procedure, input, callOptions, sending);
        default:
          return runOperation(supabase, procedure, input, callOptions, sending);
      }
    };
  const methods = Object.entries<Procedure>(procedures).map(
    ([name, procedure]) => [name, method(procedure)] as const,
  );
  return Object.fromEntries(methods) as OrderLedger;
}
