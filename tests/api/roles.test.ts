import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createVendor } from '../support/shop.ts';
import { type OrderState, orderStates } from './order-states.ts';
import { expectBooksInOrder, startShop, type Who } from './support.ts';

const shop = await startShop('api_roles');
const { ask, people, variant } = shop;
const vendorId = await createVendor(shop.db.sql, { owner: people.vendor });

const everybody = [
  'nobody',
  'customer',
  'other',
  'vendor',
  'admin',
  'finance',
  'warehouse',
  'logistics',
  'backend',
] as const;

const line = { variant_id: variant, quantity: 1 };
const lines = [{ line_number: 1, quantity: 1 }];
const { through, unpaid, delivered, shipped, returning, paid, owed } = orderStates(shop);
const fresh = () => through();

const readers = 'customer admin finance warehouse logistics backend';

/** What an order's endpoint answers to whom: to others there is no such order, to visitors nothing. */
const ofAnOrder: [request: string, may: string, make: () => Promise<OrderState>, body?: object][] =
  [
    ['GET /orders/{order}', readers, fresh],
    ['GET /orders/{order}/items', readers, fresh],
    ['GET /orders/{order}/tracking', readers, fresh],
    ['GET /orders/{order}/shipments', readers, fresh],
    ['GET /orders/{order}/returns', readers, fresh],
    ['GET /orders/{order}/payments', readers, fresh],
    ['GET /orders/{order}/refunds', readers, fresh],
    ['PATCH /orders/{order}/status', 'admin finance backend', fresh, { status: 'confirmed' }],
    ['POST /orders/{order}/cancel', 'customer admin finance backend', fresh, {}],
    ['PUT /orders/{order}', 'customer admin finance backend', fresh, { changes: [line] }],
    ['POST /orders/{order}/items', 'customer admin finance backend', fresh, line],
    ['PUT /orders/{order}/items/1', 'customer admin finance backend', fresh, { quantity: 2 }],
    [
      'POST /orders/{order}/shipments',
      'admin warehouse logistics backend',
      () => through('processing'),
      { lines },
    ],
    ['POST /shipments/{part}/delivery', 'admin logistics backend', shipped, {}],
    [
      'POST /orders/{order}/returns',
      'customer admin finance warehouse backend',
      delivered,
      { lines },
    ],
    ['PATCH /returns/{part}', 'admin finance warehouse backend', returning, { action: 'approve' }],
    ['POST /orders/{order}/payments', 'admin finance backend', unpaid, { amount: 400 }],
    [
      'POST /orders/{order}/wallet-payments',
      'customer admin finance backend',
      unpaid,
      { amount: 100 },
    ],
    ['POST /payments/{part}/void', 'admin finance backend', paid, {}],
    ['POST /orders/{order}/refunds', 'admin finance backend', delivered, { lines }],
    ['POST /refunds/{part}/settlement', 'admin finance backend', owed, { action: 'paid' }],
  ];

function statusFor(who: Who, may: string): number {
  if (who === 'nobody') return 401;
  if (may.split(' ').includes(who)) return 200;
  return who === 'other' || who === 'vendor' ? 404 : 403;
}

const codes: Record<number, unknown> = {
  401: 'not_signed_in',
  403: 'permission_denied',
  404: expect.stringMatching(/_not_found$/),
};

describe.each(ofAnOrder)('%s', (request, may, make, body) => {
  test.each(everybody)('%s', async (who) => {
    const { order, part = '' } = await make();
    const path = request.replace('{order}', order).replace('{part}', part);
    const answer = await ask(who, path, body === undefined ? {} : { body });
    const expected = statusFor(who, may);
    const status = answer.status === 201 ? 200 : answer.status;
    expect([status, answer.body.code]).toEqual([expected, codes[expected]]);
  });

  test('what does not exist is not found, whoever asks', async () => {
    const path = request.replaceAll(/\{\w+\}/g, randomUUID());
    const asking = body === undefined ? {} : { body };
    for (const who of ['customer', 'vendor', 'admin', 'logistics', 'backend']) {
      expect((await ask(who, path, asking)).status, who).toBe(404);
    }
  });
});

test.each(everybody)('DELETE /orders/{order}/items/2: %s', async (who) => {
  const { order } = await fresh();
  await ask('backend', `POST /orders/${order}/items`, { body: line });
  const { status } = await ask(who, `DELETE /orders/${order}/items/2`);
  expect(status).toBe(statusFor(who, 'customer admin finance backend'));
});

const user = { nobody: 401, customer: 200, other: 200, vendor: 200, backend: 200 };
const staff = { admin: 200, finance: 200, warehouse: 200, logistics: 200 };
const onlyStaff = { ...user, ...staff, customer: 403, other: 403, vendor: 403 };

test.each([
  [
    'POST /orders',
    {
      ...user,
      ...staff,
      admin: 402,
      finance: 402,
      warehouse: 402,
      logistics: 402,
      vendor: 402,
      backend: 400,
    },
    { items: [line] },
  ],
  ['GET /orders', { ...user, ...staff, backend: 400 }, undefined],
  ['POST /orders/quote', { ...user, ...staff, nobody: 200 }, { items: [line] }],
  ['GET /orders/admin', onlyStaff, undefined],
  [
    'GET /orders/analytics?period=month',
    { ...onlyStaff, warehouse: 403, logistics: 403 },
    undefined,
  ],
  ['GET /reports/integrity', { ...onlyStaff, warehouse: 403, logistics: 403 }, undefined],
  [
    `GET /orders/vendor?vendor_id=${vendorId}`,
    { ...user, ...staff, customer: 404, other: 404 },
    undefined,
  ],
  ['POST /reservations', { ...user, ...staff, backend: 400 }, { items: [line] }],
  ['POST /drafts', { ...user, ...staff, backend: 400 }, { items: [line] }],
  ['GET /drafts', { ...user, ...staff, backend: 400 }, undefined],
  ['POST /orders/bulk-update', onlyStaff, { order_ids: [randomUUID()], new_status: 'confirmed' }],
  [
    'POST /admin/emergency-order-fix',
    { ...onlyStaff, finance: 403, warehouse: 403, logistics: 403 },
    {},
  ],
  ['GET /errors', { ...user, ...staff, nobody: 200 }, undefined],
  ['GET /openapi.json', { ...user, ...staff, nobody: 200 }, undefined],
] as const)('%s by role', async (request, expected, body) => {
  const found: Record<string, number> = {};
  for (const who of everybody) {
    const { status } = await ask(who, request, body === undefined ? {} : { body });
    found[who] = status === 201 ? 200 : status;
  }
  expect(found).toEqual(expected);
});

test('the books are in order', () => expectBooksInOrder(shop));
