import { expect, test } from 'vitest';
import { createOrderLedger } from '../../types/index.ts';
import { createCustomer, createVariant, placed } from '../support/shop.ts';
import { startTestApi } from '../support/test-api.ts';
import { createTestDatabase } from '../support/test-database.ts';

const db = await createTestDatabase('client_tracking');
const api = await startTestApi(db);

const variant = await createVariant(db.sql, { stock: 5, price: 1250 });
const customer = await createCustomer(db.sql, { balance: 5000 });
const other = await createCustomer(db.sql, { balance: 5000 });
const order = await placed(db.sql, customer, [[variant, 2]]);
await placed(db.sql, other, [[variant, 1]]);

test('a customer is told where their order is', async () => {
  const tracking = await createOrderLedger(await api.user(customer)).orderTracking({
    orderId: order.id,
  });
  expect(tracking).toMatchObject({
    orderId: order.id,
    status: 'pending',
    stage: 'awaiting_confirmation',
    totalAmount: 2500,
    history: [{ fromStatus: null, status: 'pending' }],
    nextSteps: ['cancelled'],
  });
});

test('another customer is told that there is no such order', async () => {
  const tracking = createOrderLedger(await api.user(other)).orderTracking({ orderId: order.id });
  await expect(tracking).rejects.toMatchObject({ code: 'order_not_found' });
});

test('customer_orders holds a customer’s own orders with their items, and all for a backend', async () => {
  const query = 'order_id, order_items(quantity)';
  const own = await (await api.user(customer)).from('customer_orders').select(query);
  expect(own).toMatchObject({
    error: null,
    data: [{ order_id: order.id, order_items: [{ quantity: 2 }] }],
  });
  const all = await api.service.from('customer_orders').select(query);
  expect(all.data).toHaveLength(2);
});
