import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { expectBooksInOrder, someKey, startShop } from './support.ts';

const shop = await startShop('api_management');
const { ask, variant } = shop;

test('a bulk update answers for each order, and one that fails stops none', async () => {
  const first = await shop.order();
  const shipped = await shop.order({ through: ['processing', 'shipped'] });
  const last = await shop.order();
  const missing = randomUUID();
  const body = { order_ids: [first.id, shipped.id, missing, last.id], new_status: 'confirmed' };
  const headers = someKey();
  const answer = await ask('finance', 'POST /orders/bulk-update/', { body, headers });
  expect(answer.status).toBe(200);
  expect(answer.body.orders).toMatchObject([
    { order_id: first.id, success: true, order_status: 'confirmed' },
    { order_id: shipped.id, success: false, error_code: 'invalid_transition' },
    { order_id: missing, success: false, error_code: 'order_not_found' },
    { order_id: last.id, success: true, order_status: 'confirmed' },
  ]);
  const again = await ask('finance', 'POST /orders/bulk-update', { body, headers });
  expect(again.body).toEqual(answer.body);
  expect(again.headers.get('idempotency-replayed')).toBe('true');
});

test('a bulk update in background is followed and carried on', async () => {
  const orders = await Promise.all([shop.order(), shop.order(), shop.order()]);
  const body = {
    order_ids: orders.map(({ id }) => id),
    new_status: 'confirmed',
    in_background: true,
  };
  const noted = await ask('admin', 'POST /orders/bulk-update', { body });
  expect(noted.status).toBe(202);
  const path = noted.headers.get('location')?.replace('/functions/v1/api/v1', '');
  expect(path).toBe(`/bulk-changes/${noted.body.bulk_change_id}`);
  const counts = async () => (await ask('warehouse', `GET ${path}`)).body;
  expect(await counts()).toMatchObject({ asked_orders: 3, waiting_orders: 3 });
  const went = await ask('admin', `POST ${path}/continue`, { body: { limit: 2 } });
  expect(went.body).toMatchObject({ waiting_orders: 1, succeeded_orders: 2 });
  await ask('admin', `POST ${path}/continue`);
  expect(await counts()).toMatchObject({ waiting_orders: 0, succeeded_orders: 3 });
  expect((await ask('customer', `GET ${path}`)).status).toBe(404);
});

test('a bulk update that is wrong as a whole is refused as a whole', async () => {
  const { id } = await shop.order();
  const body = { order_ids: [id], new_status: 'confirmed' };
  for (const [who, status, sent] of [
    ['nobody', 401, body],
    ['customer', 403, body],
    ['admin', 400, { ...body, new_status: 'lost' }],
    ['admin', 400, { ...body, order_ids: [] }],
    ['admin', 400, { ...body, order_ids: Array.from({ length: 501 }, () => randomUUID()) }],
    ['admin', 400, { ...body, metadata: { x: 'x'.repeat(17_000) } }],
  ] as const) {
    expect((await ask(who, 'POST /orders/bulk-update', { body: sent })).status).toBe(status);
  }
  expect((await ask('customer', `GET /orders/${id}`)).body.status).toBe('pending');
});

test('the analytics of a period count what was placed in it', async () => {
  const before = await ask('finance', 'GET /orders/analytics/?period=day');
  await shop.order({ units: 2, through: ['processing', 'delivered'] });
  const after = await ask('finance', 'GET /orders/analytics?period=day');
  expect(after.body.totals.orders).toBe(before.body.totals.orders + 1);
  expect(after.body.totals.revenue_amount).toBe(before.body.totals.revenue_amount + 2000);
  expect(after.body.top_products).toMatchObject([{ product_name: 'Blue mug' }]);
  const past = '2026-01-01T00:00:00Z';
  for (const [query, status] of [
    [`from=${past}&to=2026-02-01T00:00:00Z`, 200],
    [`period=month&from=${past}`, 400],
    ['from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z', 400],
    ['period=decade', 400],
  ] as const) {
    expect((await ask('finance', `GET /orders/analytics?${query}`)).status, query).toBe(status);
  }
});

test('the report on integrity names its figures and jobs', async () => {
  const { status, body } = await ask('finance', 'GET /reports/integrity');
  expect(status).toBe(200);
  expect(body.kpis).toContainEqual(
    expect.objectContaining({ metric: 'orders_open', unit: 'count', taken_at: null, series: [] }),
  );
  expect(body.jobs).toContainEqual(expect.objectContaining({ name: 'take kpi snapshot' }));
  expect((await ask('finance', 'GET /reports/integrity?period=day')).status).toBe(400);
});

test('items are added, changed and removed from the version that was seen', async () => {
  const { id } = await shop.order();
  const dry = await ask('customer', `PUT /orders/${id}`, {
    body: { changes: [{ line_number: 1, quantity: 5 }], dry_run: true },
  });
  expect([dry.status, dry.body.difference_amount, dry.body.version]).toEqual([200, 4000, 1]);

  const added = await ask('customer', `POST /orders/${id}/items`, {
    body: { variant_id: variant, quantity: 1 },
    headers: { 'if-match': '"1"' },
  });
  expect([added.status, added.body.total_amount]).toEqual([201, 2000]);
  const version = added.headers.get('etag') ?? '';
  const stale = await ask('customer', `PUT /orders/${id}/items/2`, {
    body: { quantity: 2 },
    headers: { 'if-match': '"1"' },
  });
  expect([stale.status, stale.body.code]).toEqual([412, 'version_conflict']);
  const changed = await ask('customer', `PUT /orders/${id}/items/2/`, {
    body: { quantity: 2 },
    headers: { 'if-match': version },
  });
  expect([changed.status, changed.body.total_amount]).toEqual([200, 3000]);
  const headers = someKey();
  const removed = await ask('customer', `DELETE /orders/${id}/items/2`, { headers });
  expect([removed.status, removed.body.returned_amount]).toEqual([200, 2000]);
  const again = await ask('customer', `DELETE /orders/${id}/items/2`, { headers });
  expect(again.body).toEqual(removed.body);
  expect((await ask('customer', `DELETE /orders/${id}/items/7`)).body.code).toBe('line_not_found');
  expect((await ask('customer', `DELETE /orders/${id}/items/1`)).body.code).toBe('empty_order');
  const { body } = await ask('customer', `GET /orders/${id}`);
  expect(body).toMatchObject({ total_amount: 1000, items: [{ line_number: 1, quantity: 1 }] });
});

test('goods are shipped, delivered, returned and refunded, and all of it can be read', async () => {
  const { id } = await shop.order({ units: 4, through: ['processing'] });
  const lines = [{ line_number: 1, quantity: 2 }];
  const shipped = await ask('warehouse', `POST /orders/${id}/shipments`, {
    body: { lines, carrier: 'FedEx', tracking_number: '123' },
  });
  expect([shipped.status, shipped.body.order_status]).toEqual([201, 'processing']);
  const rest = await ask('warehouse', `POST /orders/${id}/shipments`);
  expect(rest.body).toMatchObject({ shipment_number: 2, order_status: 'shipped' });
  for (const { body } of [shipped, rest]) {
    await ask('logistics', `POST /shipments/${body.shipment_id}/delivery`);
  }
  const shipments = await ask('customer', `GET /orders/${id}/shipments`);
  expect(shipments.body).toMatchObject([
    { carrier: 'FedEx', status: 'delivered', shipment_lines: [{ line_number: 1, quantity: 2 }] },
    { shipment_number: 2 },
  ]);

  const asked = await ask('customer', `POST /orders/${id}/returns`, { body: { lines } });
  const review = `PATCH /returns/${asked.body.return_id}`;
  await ask('warehouse', review, { body: { action: 'approve' } });
  const received = await ask('finance', review, { body: { action: 'receive' } });
  expect(received.body).toMatchObject({
    returned_amount: 2000,
    payment_status: 'partially_refunded',
  });
  await ask('finance', `POST /orders/${id}/refunds`, { body: { amount: 500, reason: 'late' } });
  const refunds = await ask('customer', `GET /orders/${id}/refunds`);
  expect(refunds.body).toMatchObject([
    { return_id: asked.body.return_id, credited_amount: 2000, refund_lines: [{ quantity: 2 }] },
    { allowance_amount: 500, reason: 'late', refund_lines: [] },
  ]);
  expect((await ask('customer', `GET /orders/${id}/returns`)).body).toMatchObject([
    { return_lines: [{ line_number: 1, refunded_quantity: 2 }] },
  ]);
});

test('the books are in order', () => expectBooksInOrder(shop));
