import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { beforeAll, expect, test } from 'vitest';
import { expectBooksInOrder } from '../support/books.ts';
import { bringIn } from '../support/old-orders.ts';
import { createStaff, succeed } from '../support/shop.ts';
import { createTestDatabase } from '../support/test-database.ts';

/*
 * Customer 94 of source 000, from the files of the older system: five orders, four of them broken, and
 * a wallet of 15,296,775.16 IQD, which has three decimals here. Balances come as a deposit: no kind of
 * import makes money.
 */
const db = await createTestDatabase('emergency_fix');
const BALANCE = 15_296_775_160;
const options = { currency: 'IQD', broken_orders: 'claim' };

const sample = (name: string) =>
  parse(readFileSync(new URL(`./samples/customer_94/${name}.csv`, import.meta.url)), {
    columns: true,
  }) as Record<string, string>[];

let customer = '';
const state = () => db.sql`
  select order_number, status, payment_status, stage, amount_due from order_management order by 1`;
/** All that the order which was right has and that a fix could touch. */
const correct = async () => [
  ...(await db.sql`
    select o.*, (select count(*)::int from transactions t where t.order_id = o.id) as transactions,
      (select count(*)::int from immutable_events e where e.stream_id = o.id) as events,
      (select count(*)::int from order_status_history h where h.order_id = o.id) as statuses,
      (select count(*)::int from shipments s where s.order_id = o.id) as shipments,
      (select count(*)::int from payments p where p.order_id = o.id) as payments,
      (select count(*)::int from imported_order_claims c where c.order_id = o.id) as claims
    from orders o where o.order_number = 'M2511128'`),
];
const fix = (dryRun: boolean) =>
  db.asUser(
    admin,
    (sql) =>
      sql`select * from integrity_emergency_order_fix(p_user_id => ${customer}, p_dry_run => ${dryRun})`,
  );
const admin = await createStaff(db.sql, 'admin');

beforeAll(async () => {
  const [row] = sample('customers');
  await bringIn(db.sql, 'customers', sample('customers'));
  await bringIn(db.sql, 'products', sample('products'), { currency: 'IQD' });
  const [known] = await db.sql`
    select target_id from import_identities where kind = 'customer' and external_id = '94'`;
  customer = String(known?.target_id);
  const amount = Number(row?.wallet_balance?.replaceAll(',', '')) * 1_000;
  expect(amount).toBe(BALANCE);
  await succeed(db.sql, {
    actor: 'service_role',
    procedure: 'ledger_credit_account',
    args: { p_user_id: customer, p_amount: amount, p_currency: 'IQD', p_notes: 'opening balance' },
  });
  await bringIn(db.sql, 'orders', sample('orders'), options);
});

const AS_PROVEN = [
  ['M2511128', 'confirmed', 'paid', 'warehouse_ready', 0],
  ['M2511130', 'pending', 'paid', 'awaiting_confirmation', 0],
  ['M2511133', 'pending', 'partially_paid', 'finance_pending', 3_000_000_000],
  ['M2511135', 'pending', 'unpaid', 'finance_pending', 775_000_000],
  ['M2511138', 'pending', 'receipt_uploaded', 'finance_review', 950_000_500],
];
const AS_THEY_SHOULD_BE = [
  ['M2511128', 'confirmed', 'paid', 'warehouse_ready', 0],
  ['M2511130', 'delivered', 'paid', 'delivered', 0],
  ['M2511133', 'confirmed', 'paid', 'warehouse_ready', 0],
  ['M2511135', 'delivered', 'paid', 'delivered', 0],
  ['M2511138', 'confirmed', 'paid', 'warehouse_ready', 0],
];
const values = (rows: readonly Record<string, unknown>[]) => rows.map((row) => Object.values(row));

test('the five orders come in as far as they are proven, and the books are in order', async () => {
  expect(values(await state())).toEqual(AS_PROVEN);
  await expectBooksInOrder(db.sql);
});

test('a dry run plans what is listed, and changes nothing', async () => {
  const [plan] = await fix(true);
  expect(plan).toMatchObject({ found_orders: 4, fixed_orders: 0, remaining_orders: 4 });
  expect(values(await state())).toEqual(AS_PROVEN);
});

test('then each comes out as listed, with its transaction and its trail', async () => {
  const before = await correct();
  const [done] = await fix(false);
  expect(done).toMatchObject({ found_orders: 4, fixed_orders: 4, refused_orders: 0 });
  expect(values(await state())).toEqual(AS_THEY_SHOULD_BE);

  const transactions = await db.sql`
    select o.order_number, t.type, t.amount
    from transactions t join orders o on o.id = t.order_id
    where t.type in ('order_paid_from_wallet', 'payment_recorded') order by 1`;
  expect(values(transactions)).toEqual([
    ['M2511133', 'order_paid_from_wallet', -3_000_000_000],
    ['M2511135', 'order_paid_from_wallet', -775_000_000],
    ['M2511138', 'payment_recorded', 0],
  ]);
  const [account] = await db.sql`select available_balance from accounts`;
  expect(account?.available_balance).toBe(BALANCE - 3_775_000_000);

  const trail = await db.sql`
    select e.payload ->> 'order_number', e.actor_id, a.actor_id
    from immutable_events e
    join audit_log a on a.target_id = e.stream_id::text and a.action = e.event_type
    where e.event_type = 'integrity.order_fixed' order by 1`;
  expect(trail.map((row) => Object.values(row)[0])).toEqual([
    'M2511130',
    'M2511133',
    'M2511135',
    'M2511138',
  ]);
  expect(trail.every((row) => row.actor_id === admin)).toBe(true);

  expect(await correct()).toEqual(before);
  await expectBooksInOrder(db.sql);
});

test('a second run finds nothing to do, and neither does a second import', async () => {
  const [again] = await fix(false);
  expect(again).toMatchObject({ found_orders: 0, fixed_orders: 0, remaining_orders: 0 });
  await bringIn(db.sql, 'orders', sample('orders'), options);
  const [after] = await fix(false);
  expect(after).toMatchObject({ found_orders: 0, orders: [] });
  expect(values(await state())).toEqual(AS_THEY_SHOULD_BE);
  await expectBooksInOrder(db.sql);
});
