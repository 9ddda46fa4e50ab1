import { randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { brokenOrder, type OldOrder, walletWithoutTransaction } from '../support/old-orders.ts';
import { expectBooksInOrder, startShop } from './support.ts';

const shop = await startShop('api_emergency');
const { ask, people, db } = shop;
const FIX = 'POST /admin/emergency-order-fix';
const [{ sku = '' } = {}] = await db.sql<{ sku: string }[]>`
  select sku from variants where id = ${shop.variant}`;

let order: OldOrder;
beforeEach(async () => {
  order = await brokenOrder(db.sql, people.customer, sku, walletWithoutTransaction);
});

const stage = async () => {
  const [row] = await db.sql`select stage from order_management where order_id = ${order.id}`;
  return row?.stage;
};

test('it is a dry run unless told otherwise', async () => {
  const { status, body } = await ask('admin', FIX, { body: { order_numbers: [order.number] } });
  expect([status, body.dry_run, body.found_orders, body.fixed_orders]).toEqual([200, true, 1, 0]);
  expect(body.orders[0]).toMatchObject({
    order_number: order.number,
    problems: ['wallet_without_transaction'],
    outcome: 'planned',
    before: { stage: 'finance_pending', amount_due: 2000 },
    after: { stage: 'warehouse_ready', amount_due: 0 },
  });
  expect(await stage()).toBe('finance_pending');
});

test('enforced it fixes once, and answers the same under the same key', async () => {
  const headers = { 'idempotency-key': randomUUID() };
  const body = { user_id: people.customer, dry_run: false };
  const first = await ask('admin', FIX, { body, headers });
  const again = await ask('admin', FIX, { body, headers });
  expect(first.body).toMatchObject({ dry_run: false, remaining_orders: 0 });
  expect(again.body).toEqual(first.body);
  expect(again.headers.get('idempotency-replayed')).toBe('true');
  expect(await stage()).toBe('warehouse_ready');
  const nothing = await ask('admin', FIX, { body });
  expect(nothing.body).toMatchObject({ found_orders: 0, orders: [] });
});

test('it is at the path of source 000 as well', async () => {
  const request = (token: string) =>
    new Request('http://api.test/api/admin/emergency-order-fix', {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ order_numbers: [order.number], dry_run: false }),
    });
  const refused = await shop.fetch(request(await shop.api.token(people.finance)));
  expect(refused.status).toBe(403);
  const fixed = await shop.fetch(request(await shop.api.token(people.admin)));
  expect([fixed.status, await fixed.json()]).toMatchObject([200, { fixed_orders: 1 }]);
  expect(await stage()).toBe('warehouse_ready');
});

test('what makes no sense is a problem', async () => {
  const bodies = [{ user_id: people.customer, order_numbers: ['X'] }, { order_numbers: [] }];
  for (const body of bodies) expect((await ask('admin', FIX, { body })).status).toBe(400);
  const unknown = await ask('admin', FIX, { body: { order_numbers: ['NONE'] } });
  expect([unknown.status, unknown.body.code]).toEqual([404, 'order_not_found']);
});

test('a customer pays such an order from the wallet themselves', async () => {
  const path = `POST /orders/${order.id}/wallet-payments`;
  const part = await ask('customer', path, { body: { amount: 500 } });
  expect([part.status, part.body]).toMatchObject([
    201,
    { wallet_amount: 500, payment_status: 'partially_paid' },
  ]);
  const rest = await ask('customer', path, { body: {} });
  expect(rest.body).toMatchObject({ wallet_amount: 1500, payment_status: 'paid' });
  const more = await ask('customer', path, { body: {} });
  expect([more.status, more.body.code]).toEqual([409, 'order_not_payable']);
});

test('the books are in order', () => expectBooksInOrder(shop));
