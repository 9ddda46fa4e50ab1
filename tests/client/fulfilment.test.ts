import { expect, test } from 'vitest';
import { createOrderLedger } from '../../types/index.ts';
import {
  changeStatus,
  createCustomer,
  createStaff,
  createVariant,
  placed,
  succeed,
} from '../support/shop.ts';
import { startTestApi } from '../support/test-api.ts';
import { createTestDatabase } from '../support/test-database.ts';

const db = await createTestDatabase('client_fulfilment');
const api = await startTestApi(db);

const variant = await createVariant(db.sql, { stock: 5, price: 1250 });
const customer = await createCustomer(db.sql, { balance: 5000 });
const admin = await createStaff(db.sql, 'admin');
const shop = createOrderLedger(await api.user(admin));
const mine = createOrderLedger(await api.user(customer));

test('an order goes out in two parcels, arrives, and a part of it comes back', async () => {
  const order = await placed(db.sql, customer, [[variant, 3]]);
  await succeed(db.sql, changeStatus(admin, order, 'pending', 'processing'));

  const first = await shop.shipOrder({
    orderId: order.id,
    lines: [{ lineNumber: 1, quantity: 1 }],
    carrier: 'Post',
    trackingNumber: 'RR1',
    estimatedDeliveryAt: '2030-01-31T12:00:00Z',
  });
  expect(first).toMatchObject({ shipmentNumber: 1, orderStatus: 'processing' });
  const second = await shop.shipOrder({ orderId: order.id });
  expect(second).toMatchObject({ shipmentNumber: 2, orderStatus: 'shipped' });
  expect(await shop.confirmDelivery({ shipmentId: first.shipmentId })).toMatchObject({
    transactionId: null,
    orderStatus: 'shipped',
  });
  expect(await shop.confirmDelivery({ shipmentId: second.shipmentId })).toMatchObject({
    shipmentNumber: 2,
    orderStatus: 'delivered',
  });

  const asked = await mine.requestReturn({
    orderId: order.id,
    lines: [{ lineNumber: 1, quantity: 2, reason: 'chipped' }],
    reason: 'Both are chipped',
  });
  expect(asked).toMatchObject({ orderId: order.id, status: 'requested' });
  expect(await shop.reviewReturn({ returnId: asked.returnId, action: 'approve' })).toMatchObject({
    status: 'approved',
    refundId: null,
    returnedAmount: 0,
  });
  expect(
    await shop.reviewReturn({
      returnId: asked.returnId,
      action: 'receive',
      lines: [{ lineNumber: 1, received: 2, restock: 1, writeOff: 1 }],
    }),
  ).toMatchObject({ status: 'received', returnedAmount: 2500, orderStatus: 'delivered' });

  expect(await mine.orderTracking({ orderId: order.id })).toMatchObject({
    status: 'delivered',
    paymentStatus: 'partially_refunded',
    shipments: [
      { shipmentNumber: 1, status: 'delivered', carrier: 'Post', trackingNumber: 'RR1' },
      { shipmentNumber: 2, status: 'delivered', lines: [{ lineNumber: 1, quantity: 2 }] },
    ],
    backorders: [],
    returns: [
      {
        returnId: asked.returnId,
        status: 'received',
        reason: 'Both are chipped',
        lines: [{ quantity: 2, approvedQuantity: 2, receivedQuantity: 2, refundedQuantity: 2 }],
      },
    ],
  });
});

test('the customer cannot ship, and is told what cannot come back', async () => {
  const order = await placed(db.sql, customer, [[variant, 1]]);
  await expect(mine.shipOrder({ orderId: order.id })).rejects.toMatchObject({
    code: 'permission_denied',
  });
  await expect(
    mine.requestReturn({ orderId: order.id, lines: [{ lineNumber: 1, quantity: 1 }] }),
  ).rejects.toMatchObject({
    code: 'return_not_allowed',
    details: { reason: 'nothing of it has been shipped' },
  });
});
