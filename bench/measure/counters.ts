import { readFileSync } from 'node:fs';
import type postgres from 'postgres';
import type { Trace } from '../report/result.ts';
import type { Lanes } from './lanes.ts';

export interface Counters {
  lsn: string;
  inserted: number;
  updated: number;
  hot_updated: number;
  deleted: number;
  dead: number;
  autovacuums: number;
  checkpoints: number;
  relation_bytes: number;
}

const query = readFileSync(new URL('./counters.sql', import.meta.url), 'utf8');

/** Reads the counters once every lane has handed in what it has counted. */
export async function readCounters(admin: postgres.Sql, lanes: Lanes): Promise<Counters> {
  await Promise.all(lanes.connections.map((lane) => lane`select pg_stat_force_next_flush()`));
  const [counters] = await admin.unsafe<Counters[]>(query);
  if (!counters) throw new Error('the server gave no counters');
  return { ...counters };
}

export async function traceBetween(
  admin: postgres.Sql,
  before: Counters,
  after: Counters,
): Promise<Trace> {
  const [wal] = await admin<{ bytes: number }[]>`
    select (${after.lsn}::pg_lsn - ${before.lsn}::pg_lsn)::float8 as bytes`;
  if (!wal) throw new Error('the server cannot tell its log positions apart');
  return {
    rowsInserted: after.inserted - before.inserted,
    rowsUpdated: after.updated - before.updated,
    rowsUpdatedHot: after.hot_updated - before.hot_updated,
    rowsDeleted: after.deleted - before.deleted,
    deadRows: after.dead - before.dead,
    relationBytes: after.relation_bytes - before.relation_bytes,
    walBytes: wal.bytes,
    autovacuumRan: after.autovacuums !== before.autovacuums,
    checkpointRan: after.checkpoints !== before.checkpoints,
  };
}

const SLOT = 'bench';

/** Keeps the server from recycling the log until it has been looked at. */
export async function keepWal(admin: postgres.Sql): Promise<void> {
  await admin`select pg_create_physical_replication_slot(${SLOT}, true)`;
}

export async function releaseWal(admin: postgres.Sql): Promise<void> {
  await admin`select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = ${SLOT}`;
}

/** Of the log between two positions, the bytes that are whole pages. */
export async function fullPageBytes(
  admin: postgres.Sql,
  from: string,
  to: string,
): Promise<number> {
  const [row] = await admin<{ bytes: number }[]>`
    select coalesce(sum(fpi_size), 0)::float8 as bytes
    from bench.pg_get_wal_stats(${from}::pg_lsn, ${to}::pg_lsn)`;
  if (!row) throw new Error('pg_get_wal_stats gave nothing');
  return row.bytes;
}
