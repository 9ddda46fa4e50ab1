import { PostgrestClient } from '@supabase/postgrest-js';
import { z } from 'zod';
import type { Operation, Procedure } from '../../types/procedure.ts';
import type { Caller } from './caller.ts';
import type { Settings } from './context.ts';
import { failure } from './failure.ts';
import { refusal } from './problem.ts';

export type Row = Record<string, unknown>;

export interface Database {
  /** For reads: tables and views with PostgREST's filters; `rows` runs them. */
  client: PostgrestClient;
  /** Calls a procedure; its row comes back, a refusal is thrown as a problem. */
  call(operation: Operation, args: Row): Promise<Row>;
  /** Calls one that answers a row for each of many; a refusal of the call as a whole is thrown. */
  callRows(procedure: Procedure, args: Row): Promise<Row[]>;
  /** Headers that the database set for its answers: Idempotency-Replayed, RateLimit, ... */
  headers: Map<string, string>;
}

/** What PostgREST passes on from the setting response.headers, and we to the caller. */
const headersOfTheDatabase = ['idempotency-replayed', 'ratelimit', 'ratelimit-policy'];

/** Procedures lock and wait; longer than this, and the caller should ask again. */
const TIMEOUT = 30_000;

const verdict = z.discriminatedUnion('success', [
  z.looseObject({ success: z.literal(true) }),
  z.object({
    success: z.literal(false),
    error_code: z.string(),
    error_message: z.string(),
    error_details: z.record(z.string(), z.unknown()).nullable(),
  }),
]);

export function databaseFor(caller: Caller, { supabaseUrl }: Settings): Database {
  const headers = new Map<string, string>();
  const client = new PostgrestClient(new URL('/rest/v1', supabaseUrl).href, {
    headers: caller.headers,
    // whoever called may ask again, and says with which key
    retry: false,
    fetch: async (input, init) => {
      const response = await fetch(input, { ...init, signal: AbortSignal.timeout(TIMEOUT) });
      for (const name of headersOfTheDatabase) {
        const value = response.headers.get(name);
        if (value !== null) headers.set(name, value);
      }
      return response;
    },
  });

  return {
    client,
    headers,
    async call(operation, args) {
      const row = verdict.parse(await answerOf(client.rpc(operation.name, args).single()));
      if (row.success) return row;
      throw refusal(row.error_code, row.error_message, row.error_details ?? {});
    },
    async callRows(procedure, args) {
      const rows = z
        .array(z.looseObject({}))
        .parse(await answerOf(client.rpc(procedure.name, args)));
      const whole = verdict.safeParse(rows.length === 1 ? rows[0] : undefined);
      if (!whole.success || whole.data.success || rows[0]?.order_id !== null) return rows;
      const { error_code, error_message, error_details } = whole.data;
      throw refusal(error_code, error_message, error_details ?? {});
    },
  };
}

interface Answer<Data> {
  status: number;
  error: unknown;
  data: Data;
}

/** What a query of the client gives; what went wrong is thrown as a problem. */
export async function answerOf<Data>(
  query: PromiseLike<Answer<Data>>,
): Promise<NonNullable<Data> | null> {
  const { status, error, data } = await query;
  if (error !== null || status >= 300 || status === 0) throw failure(status, error);
  return data ?? null;
}
