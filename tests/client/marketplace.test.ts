import { expect, test } from 'vitest';
import { createOrderLedger } from '../../types/index.ts';
import { BACKEND } from '../support/sessions.ts';
import {
  changeStatus,
  createCustomer,
  createStaff,
  createVariant,
  createVendor,
  placed,
  signUp,
  succeed,
} from '../support/shop.ts';
import { startTestApi } from '../support/test-api.ts';
import { createTestDatabase } from '../support/test-database.ts';

const db = await createTestDatabase('client_marketplace');
const api = await startTestApi(db);
const { sql } = db;

const owner = await signUp(sql);
const ownersLedger = createOrderLedger(await api.user(owner));
const vendor = await createVendor(sql, { owner, rateBp: 1000 });
const others = await createVendor(sql);
const rug = await createVariant(sql, { stock: 10, price: 1000, vendor });
const dye = await createVariant(sql, { stock: 10, price: 300, vendor: others });
const customer = await createCustomer(sql, { balance: 50_000 });
const orders = [
  await placed(sql, customer, [
    [dye, 1],
    [rug, 2],
  ]),
  await placed(sql, customer, [[rug, 1]]),
];
for (const order of orders.slice(0, 1)) {
  await succeed(sql, changeStatus(BACKEND, order, 'pending', 'processing'));
  await succeed(sql, changeStatus(BACKEND, order, 'processing', 'delivered'));
}

test('an owner reads the lines of their vendor, a page after the other', async () => {
  const lines = await ownersLedger.vendorOrderLines();
  expect(lines).toMatchObject([
    { orderId: orders[1]?.id, orderStatus: 'pending', quantity: 1, shareAmount: 900 },
    { orderId: orders[0]?.id, orderStatus: 'delivered', shippedQuantity: 2, shippingAddress: null },
  ]);
  const [first, second] = lines;
  if (!first) throw new Error('there are no lines');
  expect(await ownersLedger.vendorOrderLines({ limit: 1 })).toEqual([first]);
  expect(
    await ownersLedger.vendorOrderLines({
      limit: 1,
      afterOrderId: first.orderId,
      afterLine: first.lineNumber,
    }),
  ).toEqual([second]);
});

test("somebody else's vendor is not found, by list and by report", async () => {
  const notFound = { code: 'vendor_not_found', message: expect.stringContaining(others) };
  await expect(ownersLedger.vendorOrderLines({ vendorId: others })).rejects.toMatchObject(notFound);
  await expect(ownersLedger.reportVendor({ vendorId: others })).rejects.toMatchObject(notFound);
});

test("an owner's report says what was sold and earned", async () => {
  await expect(ownersLedger.reportVendor()).resolves.toMatchObject({
    vendorId: vendor,
    currencies: [
      {
        currency: 'USD',
        orders: 2,
        units: 3,
        shareAmount: 2700,
        earnedAmount: 1800,
        paidToWalletAmount: 1800,
        payableAmount: 0,
        byStatus: [
          { status: 'pending', earnedAmount: 0 },
          { status: 'delivered', earnedAmount: 1800 },
        ],
      },
    ],
  });
});

test("the shop's report is for who has reports.read", async () => {
  const finance = createOrderLedger(await api.user(await createStaff(sql, 'finance')));
  await expect(finance.reportOrders()).resolves.toMatchObject({
    currency: 'USD',
    totals: { orders: 2, placedAmount: 3300, averageAmount: 1650, successRateBp: 10_000 },
    byStatus: [{ status: 'pending' }, { status: 'delivered' }],
    topProducts: [{ units: 3, amount: 3000 }, { units: 1 }],
    customers: { customers: 1, new: 1 },
    processing: {
      placedToDelivered: { orders: 1 },
      placedToShipped: { orders: 0, p50Seconds: null },
    },
    refunds: { refunds: 0 },
  });
  await expect(finance.reportOrders({ from: '2020-01-01T00:00:00Z' })).rejects.toMatchObject({
    code: 'invalid_argument',
  });
  await expect(ownersLedger.reportOrders()).rejects.toMatchObject({ code: 'permission_denied' });
});
