import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { succeed } from '../support/shop.ts';
import { backendCall, expectBooksInOrder, startShop } from './support.ts';

const shop = await startShop('api_orders');
const { ask, people, variant } = shop;
const line = { variant_id: variant, quantity: 2 };

test('an order is quoted, placed, read with its items and history, and tracked', async () => {
  const quote = await ask('nobody', 'POST /orders/quote', { body: { items: [line] } });
  expect(quote.status).toBe(200);
  expect(quote.body).toMatchObject({
    total_amount: 2000,
    lines: [{ line_number: 1, quantity: 2 }],
  });

  const placed = await ask('customer', 'POST /orders', {
    body: { items: [line], expected_total: quote.body.total_amount, metadata: { cartId: 7 } },
  });
  expect(placed.status).toBe(201);
  expect(placed.body).toMatchObject({ status: 'pending', payment_status: 'paid', amount_due: 0 });
  const path = `/orders/${placed.body.order_id}`;
  expect(placed.headers.get('location')).toBe(`/functions/v1/api/v1${path}`);

  const read = await ask('customer', `GET ${path}`);
  expect(read.status).toBe(200);
  expect(read.headers.get('etag')).toBe('"1"');
  expect(read.body).toMatchObject({
    order_number: placed.body.order_number,
    user_id: people.customer,
    stage: 'awaiting_confirmation',
    total_amount: 2000,
    outstanding_amount: 0,
    metadata: { cartId: 7 },
    items: [{ line_number: 1, variant_id: variant, quantity: 2, unit_price_amount: 1000 }],
    history: [{ from_status: null, status: 'pending' }],
  });
  const items = await ask('customer', `GET ${path}/items`);
  expect([items.status, items.body]).toEqual([200, read.body.items]);
  const tracking = await ask('customer', `GET ${path}/tracking`);
  expect(tracking.body).toMatchObject({ status: 'pending', next_steps: ['cancelled'] });
});

test('the status is moved with what the source document sends', async () => {
  const { id } = await shop.order({ through: ['confirmed', 'processing'] });
  const shipped = await ask('logistics', `PATCH /orders/${id}/status/`, {
    body: { status: 'shipped', notes: 'Order shipped via FedEx', tracking_number: '1234567890' },
  });
  expect(shipped.status).toBe(200);
  expect(shipped.body).toMatchObject({ order_id: id, order_status: 'shipped', version: 4 });
  expect(shipped.headers.get('etag')).toBe('"4"');
  const { body } = await ask('customer', `GET /orders/${id}`);
  expect(body.history.at(-1)).toMatchObject({
    from_status: 'processing',
    status: 'shipped',
    notes: 'Order shipped via FedEx',
  });
  const [transaction] = await shop.db.sql`
    select metadata from public.transactions where order_id = ${id} and metadata ? 'tracking_number'`;
  expect(transaction).toEqual({ metadata: { tracking_number: '1234567890' } });
});

test('customers cancel their own order, staff a customer’s', async () => {
  for (const who of ['customer', 'finance', 'backend']) {
    const { id } = await shop.order();
    const cancelled = await ask(who, `POST /orders/${id}/cancel`, { body: { reason: 'twice' } });
    expect(cancelled.status, who).toBe(200);
    expect(cancelled.body).toMatchObject({ order_status: 'cancelled', returned_amount: 1000 });
  }
  const { id } = await shop.order();
  expect((await ask('customer', `POST /orders/${id}/cancel`)).status).toBe(200);
});

test('a refusal has the status of its code, the sentence and the figures', async () => {
  const { status, headers, body } = await ask('customer', 'POST /orders', {
    body: { items: [{ ...line, quantity: 900_000 }] },
  });
  expect(status).toBe(409);
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect(body).toEqual({
    type: '/functions/v1/api/v1/errors/insufficient_stock',
    title: 'Insufficient stock',
    status: 409,
    detail: expect.stringContaining('900000 asked'),
    code: 'insufficient_stock',
    details: expect.objectContaining({ variant_id: variant, requested: 900_000 }),
  });
  const explained = await ask('nobody', `GET ${body.type.replace('/functions/v1/api/v1', '')}`);
  expect(explained.body).toMatchObject({ code: 'insufficient_stock', http_status: 409 });
});

test('each refusal of the error table is answered with its status', async () => {
  const { id } = await shop.order();
  const poor = await shop.db.createUser();
  const frozen = await shop.db.createUser();
  for (const user of [frozen]) {
    const args = { p_user_id: user, p_amount: 5000 };
    await succeed(shop.db.sql, backendCall('ledger_credit_account', args));
    await succeed(
      shop.db.sql,
      backendCall('ledger_freeze_account', { p_user_id: user, p_frozen: true, p_reason: 'stolen' }),
    );
  }
  const place = (extra: object) => ({ body: { items: [line], ...extra } });
  for (const [status, code, who, request, asking] of [
    [402, 'insufficient_funds', poor, 'POST /orders', place({})],
    [403, 'account_frozen', frozen, 'POST /orders', place({})],
    [404, 'discount_code_invalid', 'customer', 'POST /orders', place({ discount_code: 'NONE' })],
    [404, 'address_not_found', 'customer', 'POST /orders', place({ shipping_address_id: id })],
    [409, 'price_changed', 'customer', 'POST /orders', place({ expected_total: 1 })],
    [
      400,
      'payment_method_unavailable',
      'customer',
      'POST /orders',
      place({ payment_method: 'card' }),
    ],
    [400, 'customer_required', 'backend', 'POST /orders', place({})],
    [404, 'customer_not_found', 'backend', 'POST /orders', place({ user_id: randomUUID() })],
    [
      409,
      'invalid_transition',
      'admin',
      `PATCH /orders/${id}/status`,
      { body: { status: 'shipped' } },
    ],
    [404, 'order_not_found', 'customer', `GET /orders/${randomUUID()}/tracking`, {}],
  ] as const) {
    const answer = await ask(who, request, asking);
    expect([answer.status, answer.body.code], request).toEqual([status, code]);
  }
});

test('staff with orders.place order for a customer, and it says who did', async () => {
  const { status, body } = await ask('admin', 'POST /orders', {
    body: { items: [line], user_id: people.other },
  });
  expect(status).toBe(201);
  const read = await ask('other', `GET /orders/${body.order_id}`);
  expect(read.body).toMatchObject({ user_id: people.other, placed_by: people.admin });
});

test('the books are in order', () => expectBooksInOrder(shop));
