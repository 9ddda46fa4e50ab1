import type postgres from 'postgres';
import { connect, type Sql } from './connection.ts';
import type { TestDatabase } from './test-database.ts';

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
    await connection.unsafe('rollback');
    throw error;
  }
}

/** The server process of a connection. */
export async function backendOf(connection: Sql): Promise<number> {
  const [row] = await connection<{ pid: number }[]>`select pg_backend_pid() as pid`;
  if (!row) throw new Error('the connection has no server process');
  return row.pid;
}

export interface Crowd {
  /** Sends one call from each connection, all let go at the same moment. */
  race(calls: Call[]): Promise<Answer[]>;
  /** Runs one worker per connection; all have arrived before the first goes on. */
  work(workers: ((perform: (call: Call) => Promise<Answer>) => Promise<void>)[]): Promise<void>;
  /** Ends when the server has seen all of them leave: only then its statistics are complete. */
  close(): Promise<void>;
}

/** Class of the advisory locks that serve as gates; the procedures use one-number keys. */
const GATES = 77;
let lastGate = 0;

/** Many connections that act at once, each as whomever its call names. */
export async function gatherCrowd(db: TestDatabase, size: number): Promise<Crowd> {
  const url = db.server.url('postgres', db.name);
  const pool = connect(url, size);
  const keeper = connect(url, 1);
  const members = await Promise.all(Array.from({ length: size }, () => pool.reserve()));
  const pids = await Promise.all(members.map(backendOf));

  let closed = false;

  /** Starts everything behind a closed gate and opens it when all stand before it. */
  async function behindGate<T>(starts: ((gate: number) => Promise<T>)[]): Promise<T[]> {
    const gate = ++lastGate;
    await keeper`select pg_advisory_lock(${GATES}, ${gate})`;
    const runs = Promise.allSettled(starts.map((start) => start(gate)));
    let settled = false;
    void runs.then(() => {
      settled = true;
    });
    const waiting = async () => {
      const [row] = await keeper<{ count: number }[]>`
        select count(*) from pg_locks
        where locktype = 'advisory' and classid = ${GATES} and objid = ${gate} and not granted`;
      return row?.count ?? 0;
    };
    while (!settled && (await waiting()) < starts.length);
    await keeper`select pg_advisory_unlock(${GATES}, ${gate})`;
    return valuesOf(await runs);
  }

  const memberAt = (index: number) => {
    const member = members[index];
    if (!member) throw new Error(`a crowd of ${size} cannot do ${index + 1} things at once`);
    return member;
  };
  return {
    race: (calls) =>
      behindGate(calls.map((call, index) => (gate) => perform(memberAt(index), call, gate))),
    async work(workers) {
      await behindGate(
        workers.map((worker, index) => async (gate) => {
          const member = memberAt(index);
          await member`select pg_advisory_lock_shared(${GATES}, ${gate}), pg_advisory_unlock_shared(${GATES}, ${gate})`;
          await worker((call) => perform(member, call));
        }),
      );
    },
    async close() {
      if (closed) return;
      closed = true;
      for (const member of members) member.release();
      await pool.end();
      const left = async () => {
        const [row] = await keeper<{ count: number }[]>`
          select count(*) from pg_stat_activity where pid = any (${pids})`;
        return row?.count ?? 0;
      };
      while ((await left()) > 0);
      await keeper.end();
    },
  };
}

/** All results, or one error that tells of every failure. */
export function valuesOf<T>(results: PromiseSettledResult<T>[]): T[] {
  const failures = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  );
  if (failures.length > 0) {
    throw new AggregateError(failures, failures.map(String).join('\n'));
  }
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}
