import { success } from './fake-rest.ts';

export const someId = '0190a6b2-0000-7000-8000-000000000001';
export const otherId = '0190a6b2-0000-7000-8000-000000000002';

export const order = { items: [{ variantId: someId, quantity: 2 }] };

export const placedColumns = {
  transaction_id: someId,
  order_id: otherId,
  order_number: 'ORD00000001',
  status: 'pending',
  payment_status: 'paid',
  currency: 'USD',
  total_amount: 2500,
  wallet_amount: 2500,
  amount_due: 0,
  available_balance: 7500,
};

export const placed = success(placedColumns);

export const placedResult = {
  transactionId: someId,
  orderId: otherId,
  orderNumber: 'ORD00000001',
  status: 'pending',
  paymentStatus: 'paid',
  currency: 'USD',
  totalAmount: 2500,
  walletAmount: 2500,
  amountDue: 0,
  availableBalance: 7500,
};
