import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectBooksSealed } from '../support/books.ts';
import { connect, type Sql } from '../support/connection.ts';
import { createCustomer, createStaff, createVariant } from '../support/shop.ts';
import { createTestDatabase } from '../support/test-database.ts';

/*
 * A shop may give somebody a login of their own (a report tool, a colleague) and grant it an API
 * role. Logged in that way the setting `role` is none, as in the owner's own session: such a login
 * must not be taken for a backend (DESIGN rule 8).
 */
const db = await createTestDatabase('direct_login');
const { sql } = db;
const suffix = randomBytes(4).toString('hex');
const password = randomBytes(18).toString('base64url');
const logins: string[] = [];
const connections: Sql[] = [];
let ann: string;
let admin: string;
let items: string;

/** A new login that holds an API role, connected as itself. */
async function loginWith(role: 'authenticated' | 'service_role'): Promise<Sql> {
  const name = `report_${role}_${suffix}`;
  await sql.unsafe(`create role ${name} login inherit password '${password}'`);
  logins.push(name);
  await sql.unsafe(`grant ${role} to ${name}`);
  const url = new URL(db.server.url('postgres', db.name));
  url.username = name;
  url.password = password;
  const connection = connect(url.href, 1);
  connections.push(connection);
  return connection;
}

beforeAll(async () => {
  ann = await createCustomer(sql, { balance: 5000 });
  admin = await createStaff(sql, 'admin');
  const variant = await createVariant(sql, { stock: 10 });
  items = JSON.stringify([{ variant_id: variant, quantity: 1 }]);
});

afterAll(async () => {
  await Promise.all(connections.map((connection) => connection.end()));
  for (const name of logins) await sql.unsafe(`drop role ${name}`);
});

const refused = (message: string) => expect.objectContaining({ code: '42501', message });

test('a login that inherits authenticated is nobody until it says which user speaks', async () => {
  const report = await loginWith('authenticated');

  await expect(
    report`select session_user <> current_user as differs, current_setting('role') as role`,
  ).resolves.toEqual([{ differs: false, role: 'none' }]);
  for (const call of [
    report`select * from ledger_place_order(${items}::text::jsonb, p_user_id => ${ann})`,
    report`select * from ledger_credit_account(${ann}, 1000000)`,
    report`select * from integrity_check_books()`,
    report`select * from report_trial_balance()`,
  ]) {
    await expect(call).rejects.toEqual(refused('nobody is signed in'));
  }
  expect([
    ...(await report`select * from orders`),
    ...(await report`select * from accounts`),
  ]).toEqual([]);
});

test('an admin token in the session of such a login does not make a backend', async () => {
  const [report] = connections;
  if (!report) throw new Error('the login of the test before is missing');
  await report`select set_config('request.jwt.claims', ${JSON.stringify({ sub: admin, role: 'service_role' })}, false)`;

  await expect(report`select * from ledger_credit_account(${ann}, 1000000)`).rejects.toEqual(
    refused('nobody is signed in'),
  );
});

test('a login that inherits authenticated cannot reach schema ledger, write a table or become postgres', async () => {
  const [report] = connections;
  if (!report) throw new Error('the login of the test before is missing');

  for (const statement of [
    'select * from ledger.outbox',
    'select ledger.seal_events()',
    'update accounts set total_earned = 1',
    'delete from orders',
    'set role postgres',
    'set role service_role',
    'alter table transactions disable trigger all',
    'set session_replication_role = replica',
  ]) {
    await expect(report.unsafe(statement), statement).rejects.toMatchObject({ code: '42501' });
  }
});

test('a login that inherits service_role acts as a backend only after it has taken that role', async () => {
  const job = await loginWith('service_role');

  await expect(job`select * from ledger_credit_account(${ann}, 700)`).rejects.toEqual(
    refused('nobody is signed in'),
  );
  await job`set role service_role`;
  await expect(job`select success from ledger_credit_account(${ann}, 700)`).resolves.toEqual([
    { success: true },
  ]);
});

test('none of this moved anything but the one credit, and the books are in order', async () => {
  await expect(sql`select available_balance from accounts where user_id = ${ann}`).resolves.toEqual(
    [{ available_balance: 5700 }],
  );
  await expect(sql`select count(*) as orders from orders`).resolves.toEqual([{ orders: 0 }]);
  await expectBooksSealed(sql);
});
