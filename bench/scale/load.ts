import { join } from 'node:path';
import type postgres from 'postgres';
import { runFile } from '../../local/database/load-sql.ts';

export interface ScaleOptions {
  orders: number;
  progress: (done: number, total: number, what: string) => void;
  /** Also closes all events into seals, which takes minutes: large ones, for each is looked for among all that are left. */
  seal?: boolean;
}

/** Orders written in one transaction: the sealer reads all events of a transaction at once. */
const CHUNK_ORDERS = 10_000;
const file = (name: string) => join(import.meta.dirname, name);
const tables = [
  'orders',
  'order_items',
  'shipments',
  'shipment_lines',
  'refunds',
  'refund_lines',
  'stock_movements',
  'transactions',
  'postings',
  'immutable_events',
  'audit_log',
  'outbox',
];

/**
 * Loads a year of orders of three items, with every record that the procedures would have left, into
 * a database made from `sql/`. Guards and foreign keys are off meanwhile, so `sql` has to be
 * connected as `supabase_admin`.
 */
export async function loadScale<T extends Record<string, unknown>>(
  sql: postgres.Sql<T>,
  { orders, progress, seal = false }: ScaleOptions,
): Promise<void> {
  const session = await sql.reserve();
  try {
    await session.unsafe(`
      set session_replication_role = replica; set synchronous_commit = off;
      set work_mem = '512MB'; set jit = off; set timezone = 'UTC'; set client_min_messages = warning;
      drop schema if exists scale cascade`);
    await session.unsafe('select ledger.create_month_partitions(1)');
    await runFile(session, file('draw.sql'));
    const chunks = Math.ceil(orders / CHUNK_ORDERS);
    await session.unsafe(sizeTable(orders, chunks));
    for (const step of ['shop', 'partitions', 'plan', 'payload']) {
      progress(0, orders, `preparing: ${step}`);
      await runFile(session, file(`${step}.sql`));
    }
    // a chunk is a small part of the plan, and all of it is found by index
    await session.unsafe(
      'set enable_hashjoin = off; set enable_mergejoin = off; analyze scale.size',
    );
    for (let chunk = 1; chunk <= chunks; chunk++) {
      await session.unsafe('begin');
      for (const table of tables) await session.file(file(`rows/${table}.sql`), [chunk]);
      await session.unsafe('commit');
      progress(Math.min(chunk * CHUNK_ORDERS, orders), orders, 'orders');
    }
    progress(orders, orders, 'finishing: balances, stock, sequences');
    await runFile(session, file('finish.sql'));
    await session.unsafe('reset all');
    progress(orders, orders, 'finishing: vacuum and analyze');
    await session.unsafe('vacuum (analyze)');
    if (seal) {
      progress(orders, orders, 'finishing: seals');
      await session.unsafe('select ledger.seal_events(100000)');
    }
  } finally {
    session.release();
  }
}

/** How much there is to be, and where the sequences stand. */
const sizeTable = (orders: number, chunks: number) => `
  create table scale.size as
    select ${orders} as orders, ${chunks} as chunks, ${CHUNK_ORDERS} as chunk_orders,
           greatest(${Math.ceil(orders / 20)}, (select count(*) from public.profiles))::int as customers,
           greatest(${Math.ceil(orders / 50)}, (select count(*) from public.variants))::int as variants,
           ledger.setting_text('default_currency') as currency,
           date_trunc('minute', clock_timestamp()) - interval '1 year' as started_at,
           date_trunc('minute', clock_timestamp()) as ended_at,
           ledger.setting_text('order_number_prefix') as number_prefix,
           ledger.setting_text('order_number_length')::int as number_digits,
           ledger.setting_text('audit_retention_days')::int as audit_days,
           nextval('ledger.order_number_seq') as last_number, nextval('ledger.event_id_seq') as last_event,
           nextval('ledger.audit_id_seq') as last_audit`;
