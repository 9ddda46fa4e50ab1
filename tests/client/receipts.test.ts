import { expect, test } from 'vitest';
import { createOrderLedger } from '../../types/index.ts';
import { createCustomer, createStaff, createVariant, placed } from '../support/shop.ts';
import { startTestApi } from '../support/test-api.ts';
import { createTestDatabase } from '../support/test-database.ts';

const db = await createTestDatabase('client_receipts');
const api = await startTestApi(db);

const variant = await createVariant(db.sql, { stock: 9, price: 1250 });
const customer = await createCustomer(db.sql);
const finance = await createStaff(db.sql, 'finance');
const asFinance = await api.user(finance);
const shop = createOrderLedger(asFinance);
const mine = createOrderLedger(await api.user(customer));

const anOrder = (units: number) =>
  placed(db.sql, customer, [[variant, units]], { p_payment_method: 'bank_transfer' });

test('a receipt is sent, handed back, sent again and approved: the order is paid and confirmed', async () => {
  const order = await anOrder(2);
  const sent = await mine.submitReceipt({
    orderId: order.id,
    amount: 250,
    reference: 'RF18 5390',
    storagePath: `${customer}/transfer.pdf`,
    paidOn: '2026-01-31',
  });
  expect(sent).toMatchObject({
    status: 'submitted',
    orderId: order.id,
    invoiceId: null,
    amount: 250,
    currency: 'USD',
    paymentStatus: 'receipt_uploaded',
  });
  const { data: queue } = await asFinance.from('receipt_queue').select('*');
  expect(queue).toMatchObject([
    { receipt_id: sent.receiptId, reference: 'RF18 5390', stage: 'finance_review', is_late: false },
  ]);

  const { receiptId } = sent;
  expect(
    await shop.reviewReceipt({ receiptId, action: 'hand_back', notes: 'is it 25.00?' }),
  ).toMatchObject({
    status: 'handed_back',
    transactionId: null,
    paymentId: null,
    paymentStatus: 'unpaid',
  });
  expect(await mine.submitReceipt({ receiptId, amount: 2600 })).toMatchObject({ receiptId });
  expect(await shop.reviewReceipt({ receiptId, action: 'approve' })).toMatchObject({
    status: 'approved',
    approvedAmount: 2600,
    appliedAmount: 2500,
    creditAmount: 100,
    orderStatus: 'confirmed',
    paymentStatus: 'overpaid',
    availableBalance: 100,
  });
});

test('a receipt on account is approved in part, and another one withdrawn', async () => {
  const first = await mine.submitReceipt({ amount: 700, reference: 'A-1' });
  expect(first).toMatchObject({ orderId: null, paymentStatus: null });
  expect(
    await shop.reviewReceipt({ receiptId: first.receiptId, action: 'approve', amount: 300 }),
  ).toMatchObject({ status: 'partly_approved', unappliedAmount: 300, orderStatus: null });

  const { receiptId } = await mine.submitReceipt({ amount: 700, reference: 'A-2' });
  expect(await mine.withdrawReceipt({ receiptId })).toMatchObject({ status: 'withdrawn' });
});

test('nobody reviews their own, and one transfer is shown once', async () => {
  const own = await shop.submitReceipt({ amount: 1, reference: 'B-1' });
  await expect(
    shop.reviewReceipt({ receiptId: own.receiptId, action: 'approve' }),
  ).rejects.toMatchObject({ code: 'own_receipt' });
  await expect(mine.submitReceipt({ amount: 1, reference: 'b 1' })).rejects.toMatchObject({
    code: 'receipt_reference_used',
  });
  await expect(
    mine.reviewReceipt({ receiptId: own.receiptId, action: 'approve' }),
  ).rejects.toMatchObject({ code: 'permission_denied' });
});
