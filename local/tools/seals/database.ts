import postgres from 'postgres';
import { z } from 'zod';
import { canonicalEvent, Unreadable } from './canonical.ts';
import { type History, type SealRow, sealRow } from './chain.ts';
import type { Checkpoint } from './checkpoint.ts';

const AT_ONCE = 500;

export interface SealedDatabase {
  sql: postgres.Sql;
  /** Up to the newest seal there is when it is asked for. */
  newestSeal(): Promise<number>;
  epochs(newest: number): Promise<number[]>;
  /** Rows as JSON, in the order of the chain. */
  seals(newest: number): AsyncIterable<string>;
  events(epochs: number[]): AsyncIterable<string>;
  close(): Promise<void>;
}

/** Reads with two connections: a seal never changes, and its events are there before it. */
export function openDatabase(url: string): SealedDatabase {
  const sql = postgres(url, {
    ...{ max: 2, prepare: false, onnotice: () => {} },
    connection: { TimeZone: 'UTC', statement_timeout: 0, application_name: 'order-ledger seals' },
  });
  const lines = async function* (rows: AsyncIterable<{ line: string }[]>) {
    for await (const batch of rows) for (const { line } of batch) yield line;
  };
  return {
    sql,
    async newestSeal() {
      const [row] = await sql<
        { newest: number }[]
      >`select coalesce(max(seal_number), 0)::float8 as newest from public.event_seals`;
      return row?.newest ?? 0;
    },
    async epochs(newest) {
      const rows = await sql<{ after: number }[]>`
        select min(epoch_after_event_id)::float8 as after from public.event_seals
        where seal_number <= ${newest} group by epoch order by epoch`;
      return rows.map(({ after }) => after);
    },
    seals: (newest) =>
      lines(
        sql<{ line: string }[]>`
          select (to_jsonb(s) || jsonb_build_object('previous_hash', encode(previous_hash, 'hex'), 'hash', encode(hash, 'hex')))::text as line
          from public.event_seals s where seal_number <= ${newest} order by seal_number`.cursor(
          AT_ONCE,
        ),
      ),
    events: (epochs) =>
      lines(
        sql<{ line: string }[]>`
          select to_jsonb(e)::text as line
          from public.immutable_events e
          order by (select count(*) from unnest(${epochs.map(String)}::bigint[]) a (after) where a.after < e.id), e.written_by_xid, e.id`.cursor(
          AT_ONCE,
        ),
      ),
    close: () => sql.end(),
  };
}

export async function historyOf(database: SealedDatabase): Promise<History> {
  const newest = await database.newestSeal();
  const epochs = await database.epochs(newest);
  return {
    epochs,
    seals: sealsOf(database.seals(newest)),
    events: eventsOf(database.events(epochs)),
  };
}

function sealOf(line: string): SealRow {
  try {
    return sealRow.parse(JSON.parse(line));
  } catch {
    throw new Unreadable(`this is no seal: ${line.slice(0, 80)}`);
  }
}

export async function* sealsOf(lines: AsyncIterable<string>) {
  for await (const line of lines) yield sealOf(line);
}

export async function* eventsOf(lines: AsyncIterable<string>) {
  for await (const line of lines) yield canonicalEvent(line);
}

const checkpointRow = z.object({
  seal_number: z.coerce.number(),
  hash: z.string(),
  epoch: z.int(),
  last_event_id: z.coerce.number(),
  event_count: z.coerce.number(),
  sealed_at: z.date(),
  database: z.string(),
});

/** The newest seal, as `integrity_checkpoint()` says it. */
export async function checkpointOf({ sql, newestSeal }: SealedDatabase): Promise<Checkpoint> {
  if ((await newestSeal()) === 0)
    throw new Error('nothing is sealed yet: ledger.seal_events() seals');
  const [answer] = await sql`select * from public.integrity_checkpoint()`;
  const row = checkpointRow.parse(answer);
  return {
    format: 'order-ledger checkpoint 1',
    sealNumber: row.seal_number,
    hash: row.hash,
    epoch: row.epoch,
    lastEventId: row.last_event_id,
    eventCount: row.event_count,
    sealedAt: row.sealed_at.toISOString(),
    database: row.database,
  };
}
