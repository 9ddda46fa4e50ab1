import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { createOrderLedger } from '../../types/index.ts';
import { createCustomer, createStaff, createVariant, placed } from '../support/shop.ts';
import { startTestApi } from '../support/test-api.ts';
import { createTestDatabase } from '../support/test-database.ts';

const db = await createTestDatabase('client_bulk');
const api = await startTestApi(db);
const { sql } = db;

const admin = createOrderLedger(await api.user(await createStaff(sql, 'admin')));
const customer = await createCustomer(sql, { balance: 50_000 });
const customers = createOrderLedger(await api.user(customer));
const variant = await createVariant(sql, { stock: 100, price: 1000 });
const anOrder = () => placed(sql, customer, [[variant, 1]]);

test('each order of a list has its own answer', async () => {
  const [one, two, stranger] = [(await anOrder()).id, (await anOrder()).id, randomUUID()];
  const outcomes = await admin.bulkChangeStatus({
    orderIds: [one, stranger, two],
    newStatus: 'processing',
    metadata: { restock: true, shift: 'early' },
  });
  expect(outcomes).toMatchObject([
    { success: true, orderId: one, orderStatus: 'processing', errorCode: null },
    { success: false, orderId: stranger, orderNumber: null, errorCode: 'order_not_found' },
    { success: true, orderId: two, orderStatus: 'processing' },
  ]);
});

test('a list in background is followed until it is done', async () => {
  const orderIds = [(await anOrder()).id, (await anOrder()).id, (await anOrder()).id];
  const waiting = await admin.bulkChangeStatus({
    orderIds,
    newStatus: 'cancelled',
    inBackground: true,
  });
  expect(waiting.map(({ success }) => success)).toEqual([null, null, null]);
  const bulkChangeId = waiting[0]?.bulkChangeId ?? '';

  expect(await admin.continueBulkChange({ bulkChangeId, limit: 2 })).toEqual({
    bulkChangeId,
    askedOrders: 3,
    waitingOrders: 1,
    succeededOrders: 2,
    failedOrders: 0,
  });
  expect(await admin.continueBulkChange({ bulkChangeId })).toMatchObject({ waitingOrders: 0 });
  const rows = await sql`select status from orders where id = any (${orderIds}::uuid[])`;
  expect(rows.map(({ status }) => status)).toEqual(['cancelled', 'cancelled', 'cancelled']);
});

test('a list longer than a page of answers is read to its end', async () => {
  const orderIds = Array.from({ length: 1203 }, () => randomUUID());
  const call = { orderIds, newStatus: 'shipped', inBackground: true } as const;
  const outcomes = await admin.bulkChangeStatus(call, { idempotencyKey: 'long list' });
  expect(outcomes.map(({ orderId }) => orderId)).toEqual(orderIds);
  const again = await admin.bulkChangeStatus(call, { idempotencyKey: 'long list' });
  expect(again).toEqual(outcomes);
  const [count] = await sql`select count(*) from bulk_changes where asked_orders = 1203`;
  expect(count).toEqual({ count: 1 });
});

test('what is wrong with the call is thrown, and who may not is told', async () => {
  const orderIds = Array.from({ length: 501 }, () => randomUUID());
  await expect(admin.bulkChangeStatus({ orderIds, newStatus: 'shipped' })).rejects.toMatchObject({
    code: 'invalid_argument',
  });
  await expect(
    admin.bulkChangeStatus({ orderIds: [], newStatus: 'shipped' }),
  ).rejects.toMatchObject({ code: 'invalid_input' });
  await expect(
    customers.bulkChangeStatus({ orderIds: orderIds.slice(0, 1), newStatus: 'shipped' }),
  ).rejects.toMatchObject({ code: 'permission_denied' });
});

test('a draft is kept, shown at present prices, and placed once', async () => {
  const tea = await createVariant(sql, { stock: 5, price: 300 });
  const { draftId } = await customers.orderDraftSave({
    items: [{ variantId: tea, quantity: 2 }],
    notes: 'ring twice',
  });
  await sql`update variants set price_amount = 400 where id = ${tea}`;
  const shown = await customers.orderDraftGet({ draftId });
  expect(shown).toMatchObject({
    totalAmount: 800,
    savedTotalAmount: 600,
    priceChanged: true,
    problem: null,
    notes: 'ring twice',
    lines: [
      { variantId: tea, unitPriceAmount: 400, savedUnitPriceAmount: 300, priceChanged: true },
    ],
  });
  await expect(customers.orderDraftPlace({ draftId })).rejects.toMatchObject({
    code: 'price_changed',
  });
  const order = await customers.orderDraftPlace({ draftId, expectedTotal: 800 });
  expect(order).toMatchObject({ status: 'pending', totalAmount: 800, amountDue: 0 });
  await expect(customers.orderDraftGet({ draftId })).rejects.toMatchObject({
    code: 'draft_not_found',
  });

  // what keeps a draft from being placed comes with its code
  const { draftId: second } = await customers.orderDraftSave({
    items: [{ variantId: tea, quantity: 1 }],
  });
  await sql`update variants set is_active = false where id = ${tea}`;
  expect(await customers.orderDraftGet({ draftId: second })).toMatchObject({
    totalAmount: null,
    priceChanged: null,
    problem: { errorCode: 'variant_unavailable' },
  });
  await customers.orderDraftDelete({ draftId: second });
});

test('a person erases themselves once nothing is open', async () => {
  const person = createOrderLedger(await api.user(await createCustomer(sql)));
  expect(await person.profileErase()).toMatchObject({ signInErased: true });
  await expect(customers.profileErase()).rejects.toMatchObject({
    code: 'erase_not_possible',
    details: { counts: { 'accounts with a balance': 1 } },
  });
});
