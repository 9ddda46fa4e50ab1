import postgres from 'postgres';
import type { Sql } from './connection.ts';

/** Who calls: the id of a signed-in user, or the backend with the secret key. */
export type Actor = string;
export const BACKEND: Actor = 'service_role';

/** One call of a procedure, as data, so that it can be sent now, at a barrier, or step by step. */
export interface Call {
  actor: Actor;
  procedure: string;
  args: Record<string, unknown>;
}

/** What every procedure answers, and the columns of its own that tests look at. */
export interface Answer {
  success: boolean;
  transaction_id: string | null;
  error_code: string | null;
  error_message: string | null;
  error_details: Record<string, unknown> | null;
  order_id?: string;
  order_number?: string;
  order_status?: string;
  withdrawal_id?: string;
  status?: string;
  total_amount?: number;
  wallet_amount?: number;
  returned_amount?: number;
  available_balance?: number;
  stock_quantity?: number;
  reservation_id?: string;
  payment_id?: string;
  invoice_id?: string;
}

/** One connection, or a transaction on one. */
type Connection = Pick<Sql, 'unsafe' | 'json'>;

/** Opens a transaction in which this actor is signed in, as PostgREST does it. */
export async function beginAs(connection: Connection, actor: Actor): Promise<void> {
  const role = actor === BACKEND ? 'service_role' : 'authenticated';
  const claims = JSON.stringify(actor === BACKEND ? { role } : { role, sub: actor });
  await connection.unsafe(
    `begin; set local role ${role}; set local request.jwt.claims = '${claims}'`,
  );
}

/** Class of the advisory locks that serve as gates; the procedures use locks of one number. */
export const GATES = 77;

/** Sends a call in the present transaction; behind a gate, when there is one. */
export async function send(connection: Connection, call: Call, gate?: number): Promise<Answer> {
  const args = Object.entries(call.args).filter(([, value]) => value !== undefined);
  const named = args.map(([name], index) => `${name} => $${index + 1}`).join(', ');
  const values = args.map(([, value]) =>
    typeof value === 'object' && value !== null
      ? connection.json(value as postgres.JSONValue)
      : value,
  ) as postgres.ParameterOrJSON<never>[];
  const rows = await connection.unsafe<Answer[]>(
    gate === undefined
      ? `select * from public.${call.procedure}(${named})`
      : `with gate as materialized (select pg_advisory_xact_lock_shared(${GATES}, ${gate}))
         select called.* from gate cross join lateral public.${call.procedure}(${named}) called`,
    values,
  );
  const [answer] = rows;
  if (!answer) throw new Error(`${call.procedure} answered nothing`);
  return { ...answer };
}

/** A call in a transaction of its own, as a client's request is. */
export async function perform(connection: Connection, call: Call, gate?: number): Promise<Answer> {
  await beginAs(connection, call.actor);
  try {
    const answer = await send(connection, call, gate);
    await connection.unsafe('commit');
    return answer;
  } catch (error) {
    // with any other error the connection is gone, and the transaction with it
    if (error instanceof postgres.PostgresError && error.severity === 'ERROR') {
      await connection.unsafe('rollback');
    }
    throw error;
  }
}

/** The server process of a connection. */
export async function backendOf(connection: Sql): Promise<number> {
  const [row] = await connection<{ pid: number }[]>`select pg_backend_pid() as pid`;
  if (!row) throw new Error('the connection has no server process');
  return row.pid;
}
