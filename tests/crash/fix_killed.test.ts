import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { PROJECT_ROOT } from '../../local/database/supabase-cli.ts';
import { type PostgresServer, startPostgres } from '../../local/postgres/postgres.ts';
import { databaseFromMigrations, databaseFromSql } from '../../local/tools/diff/scratch.ts';
import { expectBooksInOrder } from '../support/books.ts';
import { connect, type Sql } from '../support/connection.ts';
import {
  brokenOrder,
  type OldOrder,
  sentOutUnknownToTheCustomer,
  stuckReceipt,
  walletWithoutTransaction,
} from '../support/old-orders.ts';
import { BACKEND } from '../support/sessions.ts';
import { createCustomer, createVariant, succeed } from '../support/shop.ts';

/*
 * The process that serves an emergency fix is killed while it has put right some of its orders and not the
 * others. What earlier calls have fixed stays, of its own nothing is there, and the next call does it.
 */
const DATABASE = 'shop';
const folder = mkdtempSync(join(tmpdir(), 'order-ledger-crash-'));
let server: PostgresServer;
let sql: Sql;

beforeAll(async () => {
  server = await startPostgres({ dataDir: join(folder, 'postgres') });
  const build = process.env.TEST_SCHEMA === 'sql' ? databaseFromSql : databaseFromMigrations;
  await build(server, DATABASE, PROJECT_ROOT);
  sql = connect(server.url('postgres', DATABASE), 4);
});
afterAll(async () => {
  await sql.end({ timeout: 0 });
  await server.stop();
  rmSync(folder, { recursive: true });
});

/** Everything that a fix changes of a customer's orders. */
async function traces(customer: string) {
  return [
    ...(await sql`
      select o.order_number, o.status, o.payment_status, o.paid_amount, o.wallet_amount, o.version,
             c.settled_at is not null as settled, a.available_balance, a.version as account_version,
             (select count(*)::int from transactions t where t.order_id = o.id) as transactions,
             (select count(*)::int from immutable_events e where e.stream_id = o.id) as events,
             (select count(*)::int from payments p where p.order_id = o.id) as payments,
             (select count(*)::int from shipments s where s.order_id = o.id) as shipments
      from orders o
      join imported_order_claims c on c.order_id = o.id
      join accounts a on a.id = o.account_id
      where o.user_id = ${customer} order by o.id`),
  ];
}

const fix = (orders: OldOrder[]) =>
  succeed(sql, {
    actor: BACKEND,
    procedure: 'integrity_emergency_order_fix',
    args: { p_order_numbers: `{${orders.map(({ number }) => number).join()}}`, p_dry_run: false },
  });

/** Events that were begun, also by who has not committed: sequences know no transactions. */
async function eventsBegun(): Promise<number> {
  const [row] = await sql`select last_value as events from ledger.event_id_seq`;
  return Number(row?.events);
}

/** The process that waits for what this session holds, once there is one. */
async function whoWaitsFor(blocker: Sql) {
  const [own] = await blocker`select pg_backend_pid() as pid`;
  const pid = await vi.waitFor(
    async () => {
      const [row] = await sql`
        select pid from pg_stat_activity where ${own?.pid} = any (pg_blocking_pids(pid))`;
      expect(row).toBeDefined();
      return row?.pid as number;
    },
    { timeout: 20_000, interval: 20 },
  );
  return pid;
}

test.for([
  { reference: 'STUCK-1', at: 'its second order' },
  { reference: 'STUCK-2', at: 'its last order' },
])('a fix that is killed at $at leaves whole orders or nothing', async ({ reference }) => {
  const customer = await createCustomer(sql, { balance: 10_000 });
  const variant = await createVariant(sql, { stock: 100, price: 1000 });
  const [{ sku = '' } = {}] = await sql<{ sku: string }[]>`
    select sku from variants where id = ${variant}`;
  const orders: OldOrder[] = [];
  for (const claims of [
    { ...walletWithoutTransaction, management_status: 'delivered' },
    walletWithoutTransaction,
    stuckReceipt(reference === 'STUCK-1' ? reference : 'FREE-2'),
    sentOutUnknownToTheCustomer,
    stuckReceipt(reference === 'STUCK-2' ? reference : 'FREE-1'),
  ]) {
    orders.push(await brokenOrder(sql, customer, sku, claims));
  }

  // an earlier call has fixed the first of them
  expect(await fix(orders.slice(0, 1))).toMatchObject({ fixed_orders: 1 });
  const before = await traces(customer);
  expect(before.map(({ settled }) => settled)).toEqual([true, false, false, false, false]);

  // the next one comes as far as a receipt that somebody is looking at, and no further
  const blocker = await sql.reserve();
  await blocker`begin`;
  await blocker`select from payment_receipts where reference = ${reference} for update`;
  const begun = await eventsBegun();
  const lost = fix(orders).then(
    () => 'answered',
    () => 'lost',
  );
  const pid = await whoWaitsFor(blocker as unknown as Sql);
  expect(await eventsBegun()).toBeGreaterThan(begun);
  process.kill(pid, 'SIGKILL');
  expect(await lost).toBe('lost');

  // the server ends everybody's connection and recovers
  await sql.end({ timeout: 0 });
  sql = connect(server.url('postgres', DATABASE), 4);
  await vi.waitFor(() => sql`select`, { timeout: 20_000, interval: 50 });
  expect(await traces(customer)).toEqual(before);
  await expectBooksInOrder(sql);

  // the same call again does the rest, and a third one finds nothing
  expect(await fix(orders)).toMatchObject({
    fixed_orders: 4,
    refused_orders: 0,
    remaining_orders: 0,
  });
  const after = await traces(customer);
  expect(after.map(({ status, payment_status }) => `${status} ${payment_status}`)).toEqual([
    'delivered paid',
    'confirmed paid',
    'confirmed paid',
    'delivered paid',
    'confirmed paid',
  ]);
  expect(after[0]).toMatchObject({ version: before[0]?.version, available_balance: 6_000 });
  expect(await fix(orders)).toMatchObject({ found_orders: 0, fixed_orders: 0 });
  expect(await traces(customer)).toEqual(after);
  await expectBooksInOrder(sql);
});
