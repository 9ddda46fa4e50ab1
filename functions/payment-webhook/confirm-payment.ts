import { PostgrestClient } from '@supabase/postgrest-js';
import { z } from 'zod';
import { businessErrors } from '../../types/error-codes.ts';
import { type CardEvent, cards } from '../../types/procedures/cards.ts';
import { toArguments } from '../../types/wire.ts';

const { confirmPayment } = cards;

/** Providers wait for ten seconds or more before they ask again. */
const TIMEOUT = 9_000;

const answer = z.discriminatedUnion('success', [
  z.object({
    success: z.literal(true),
    effect: confirmPayment.output.shape.effect,
    problem: confirmPayment.output.shape.problem,
  }),
  z.object({ success: z.literal(false), error_code: z.string(), error_message: z.string() }),
]);

export type Confirmation =
  | { stored: true; effect: string; problem: string | null }
  /** It will not do the next time either. */
  | { stored: false; status: number; code: string; message: string };

/** Tells the database what a provider said; rejects when it could not be told, and may be told again. */
export type ConfirmPayment = (provider: string, event: CardEvent) => Promise<Confirmation>;

export function confirmPaymentAt(supabaseUrl: string, secretKey: string): ConfirmPayment {
  const client = new PostgrestClient(new URL('/rest/v1', supabaseUrl).href, {
    // a key of the newer kind is no token
    headers: {
      apikey: secretKey,
      ...(!secretKey.startsWith('sb_') && { authorization: `Bearer ${secretKey}` }),
    },
    // the provider asks again
    retry: false,
    fetch: (input, init) => fetch(input, { ...init, signal: AbortSignal.timeout(TIMEOUT) }),
  });

  return async (provider, event) => {
    const args = toArguments(confirmPayment.input, { provider, event });
    const { data, error, status } = await client.rpc(confirmPayment.name, args).single();
    // its details could hold what is in the row
    if (error !== null)
      throw new Error(`PostgREST answered ${status}, ${error.code}: ${error.message}`);
    const result = answer.parse(data);
    if (result.success) return { stored: true, effect: result.effect, problem: result.problem };
    const statuses: Record<string, number | undefined> = businessErrors;
    const { error_code: code, error_message: message } = result;
    if (code === 'idempotency_conflict') {
      // it was heard before, and read otherwise then: what is stored stands, however often it is sent
      console.error(
        `${provider}: event ${event.eventId} was stored before and reads differently now`,
      );
      return { stored: true, effect: 'repeated', problem: 'read_differently' };
    }
    return { stored: false, status: statuses[code] ?? 409, code, message };
  };
}
