import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { createOrderLedger } from '../../types/index.ts';
import { createCustomer, createStaff, createVariant } from '../support/shop.ts';
import { startTestApi } from '../support/test-api.ts';
import { createTestDatabase } from '../support/test-database.ts';

const db = await createTestDatabase('client_kpis');
const api = await startTestApi(db);
const { sql } = db;
const customer = await createCustomer(sql, { balance: 50_000 });
const variantId = await createVariant(sql, { stock: 10, price: 1000 });
const shopper = createOrderLedger(await api.user(customer));
const finance = createOrderLedger(await api.user(await createStaff(sql, 'finance')));

const metric = async (name: string) =>
  (await finance.reportIntegrity()).kpis.find((kpi) => kpi.metric === name);

test('calls of this client are timed in the database, and the figure comes with the next snapshot', async () => {
  const started = performance.now();
  for (let order = 0; order < 3; order++) {
    await shopper.placeOrder({ items: [{ variantId, quantity: 1 }] });
  }
  const elapsed = (performance.now() - started) * 1000;
  expect(await metric('placement_latency_p95_us')).toMatchObject({ takenAt: null, value: null });

  await sql`select ledger.run_job('take kpi snapshot')`;
  const latency = await metric('placement_latency_p95_us');
  expect(latency).toMatchObject({ unit: 'us', direction: 'lower', details: { calls: 3 } });
  expect(latency?.value).toBeGreaterThan(0);
  expect(latency?.value).toBeLessThan(elapsed);
  expect(latency?.series).toEqual([{ takenAt: latency?.takenAt, value: latency?.value }]);
  expect(await metric('orders_open')).toMatchObject({ value: 3, details: { pending: 3 } });
});

test('a call that waits for a lock takes as long as it waits', async () => {
  const key = randomUUID();
  let waited = Promise.resolve({});
  await sql.begin(async (holder) => {
    await holder`select from public.accounts where user_id = ${customer} for update`;
    waited = shopper.placeOrder({ items: [{ variantId, quantity: 1 }] }, { idempotencyKey: key });
    await expect
      .poll(async () => (await sql`select from pg_locks where not granted`).length)
      .toBeGreaterThan(0);
    await sql`select pg_sleep(0.3)`;
  });
  await waited;
  const [call] = await sql`
    select extract(epoch from created_at - started_at)::float8 as seconds
    from ledger.idempotency_keys where key = ${key}`;
  expect(call?.seconds).toBeGreaterThan(0.3);
});

test('the report has runs, jobs and flags in camelCase', async () => {
  await sql`select ledger.run_checks()`;
  const report = await finance.reportIntegrity();
  expect(report.runs).toMatchObject([{ checkCode: 'books', scope: 'all', status: 'OK' }]);
  expect(report.jobs.find(({ name }) => name === 'take kpi snapshot')).toMatchObject({
    runs: 1,
    lastError: null,
    isOverdue: false,
  });
  expect(report.flags.map(({ key }) => key)).toContain('active_reconciliation');
  expect(report.alerts).toEqual({ open: 0, acknowledged: 0, newest: [] });
  expect(await sql`select * from ledger.book_differences()`).toEqual([]);
});

test('it is for staff', async () => {
  await expect(shopper.reportIntegrity()).rejects.toMatchObject({ code: 'permission_denied' });
});
