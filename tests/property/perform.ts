import postgres from 'postgres';
import type { Sql } from '../support/connection.ts';
import type { Actor, Answer, Call, Value } from './model/calls.ts';

/** Types of the procedures' arguments by name; all others are text. */
const TYPES: Record<string, string> = {
  p_items: 'jsonb',
  p_metadata: 'jsonb',
  p_destination: 'jsonb',
  p_wallet_amount: 'bigint',
  p_expected_total: 'bigint',
  p_amount: 'bigint',
  p_quantity: 'bigint',
  p_frozen: 'boolean',
  p_user_id: 'uuid',
  p_actor_id: 'uuid',
  p_order_id: 'uuid',
  p_reference_id: 'uuid',
  p_variant_id: 'uuid',
  p_withdrawal_id: 'uuid',
  p_address_id: 'uuid',
  p_shipping_address_id: 'uuid',
};

export interface Performed {
  answer: Answer;
  /** The transaction that wrote something, null when nothing was written. */
  xid: string | null;
}

/** Makes a call in a transaction of its own, as PostgREST does: role and claims, then the function. */
export async function perform(sql: Sql, call: Call): Promise<Performed> {
  const args = Object.entries(call.args);
  const named = args.map(([name], index) => {
    return `${name} => ($${index + 1}::text)::${TYPES[name] ?? 'text'}`;
  });
  const statement = `
    select to_jsonb(answered) as answer, pg_current_xact_id_if_assigned()::text as xid
    from public.${call.procedure}(${named.join(', ')}) answered`;
  try {
    const rows = await sql.begin(async (transaction) => {
      await transaction`
        select set_config('role', ${roleOf(call.actor)}, true),
          set_config('request.jwt.claims', ${claimsOf(call.actor)}, true)
      `;
      const values = args.map(([, value]) => asText(value));
      return transaction.unsafe<{ answer: Record<string, unknown>; xid: string | null }[]>(
        statement,
        values,
      );
    });
    const [row] = rows;
    if (!row || rows.length !== 1)
      throw new Error(`${call.procedure} answered ${rows.length} rows`);
    return { answer: read(row.answer), xid: row.xid };
  } catch (error) {
    if (!(error instanceof postgres.PostgresError)) throw error;
    return { answer: { kind: 'raised', sqlstate: error.code }, xid: null };
  }
}

function roleOf(actor: Actor): string {
  if (actor === 'owner') return 'none';
  return typeof actor === 'string' ? actor : 'authenticated';
}

function claimsOf(actor: Actor): string {
  if (actor === 'owner') return '';
  const role = roleOf(actor);
  return JSON.stringify(typeof actor === 'string' ? { role } : { role, sub: actor.userId });
}

function asText(value: unknown): string | null {
  if (value === null) return null;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** A refusal has to be a code with a whole sentence; anything else is an answer of the wrong shape. */
function read(row: Record<string, unknown>): Answer {
  const { success, error_code: code, error_message: message, error_details: details } = row;
  if (success === true && code === null && message === null) {
    return { kind: 'success', columns: values(row) };
  }
  if (success !== false || typeof code !== 'string' || typeof message !== 'string') {
    throw new Error(`neither success nor refusal: ${JSON.stringify(row)}`);
  }
  if (message === '' || /\{[a-z_]+(:money)?\}/.test(message)) {
    throw new Error(`an unfinished sentence: ${message}`);
  }
  return { kind: 'refused', code, details: values(details ?? {}) };
}

/**
 * Amounts as bigint; what is no plain value (lines, shortages) stays out, and so does a number that
 * JSON cannot carry exactly: the details of a refusal may repeat one that was asked for.
 */
function values(row: object): Record<string, Value> {
  const read: Record<string, Value> = {};
  for (const [name, value] of Object.entries(row)) {
    if (Number.isSafeInteger(value)) read[name] = BigInt(value);
    else if (value === null || typeof value === 'string' || typeof value === 'boolean') {
      read[name] = value;
    }
  }
  return read;
}
