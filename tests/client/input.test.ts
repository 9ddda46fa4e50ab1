import { expect, test } from 'vitest';
import type { OrderLedger, ProcedureInput } from '../../types/index.ts';
import { order, otherId, placed, someId } from './examples.ts';
import { startFakeRest, success } from './fake-rest.ts';

const rest = await startFakeRest();
const ledger = rest.ledger();

test('arguments have the names of the database, what is left out is left out', async () => {
  rest.willAnswer(placed);
  await ledger.placeOrder(
    {
      ...order,
      walletAmount: 0,
      shippingAddressId: otherId,
      expectedTotal: 2500,
      discountCode: undefined,
    },
    { idempotencyKey: 'k' },
  );
  expect(rest.calls).toMatchObject([{ procedure: 'ledger_place_order' }]);
  expect(rest.calls[0]?.args).toEqual({
    p_items: [{ variant_id: someId, quantity: 2 }],
    p_wallet_amount: 0,
    p_shipping_address_id: otherId,
    p_expected_total: 2500,
    p_idempotency_key: 'k',
  });
});

test("keys inside of the caller's own JSON stay as they are", async () => {
  const columns = {
    transaction_id: someId,
    order_id: someId,
    order_status: 'cancelled',
    payment_status: 'refunded',
    returned_amount: 2500,
    available_balance: 2500,
  };
  rest.willAnswer(success(columns));
  const metadata = { restock: false, ticketNumber: 7, nested: { camelCase: [{ aB: null }] } };
  await ledger.changeOrderStatus({
    userId: someId,
    referenceId: someId,
    oldStatus: 'delivered',
    newStatus: 'cancelled',
    amount: 2500,
    metadata,
  });
  expect(rest.calls[0]?.args.p_metadata).toEqual(metadata);
});

test('a text is as long as the database counts it, in code points', async () => {
  rest.willAnswer(placed);
  await ledger.placeOrder({ ...order, notes: '🧾'.repeat(2000) });
  expect(rest.calls).toHaveLength(1);
});

const change: ProcedureInput<'changeOrderStatus'> = {
  userId: someId,
  referenceId: someId,
  oldStatus: 'pending',
  newStatus: 'processing',
  amount: 1,
};
const payOut = { amount: 1, destination: { iban: 'x' } };

/** As a caller without a type checker would pass it. */
const unchecked = (value: unknown) => value as never;

const wrongCalls: [string, string, (ledger: OrderLedger) => Promise<unknown>][] = [
  ['no lines', 'items', (l) => l.placeOrder({ items: [] })],
  ['nothing at all', 'items', (l) => l.placeOrder(unchecked(undefined))],
  ['null', 'object', (l) => l.placeOrder(unchecked(null))],
  ...[0, -1, 1.5, 2 ** 31, '1', null, Number.NaN].map((quantity): (typeof wrongCalls)[number] => [
    `a quantity of ${JSON.stringify(quantity)}`,
    'items[0].quantity',
    (l) => l.placeOrder({ items: [{ variantId: someId, quantity: unchecked(quantity) }] }),
  ]),
  [
    'a price in a line',
    'price',
    (l) => l.placeOrder({ items: [unchecked({ variantId: someId, quantity: 1, price: 1 })] }),
  ],
  [
    'a variant that is no UUID',
    'items[0].variantId',
    (l) => l.placeOrder({ items: [{ variantId: 'mug', quantity: 1 }] }),
  ],
  [
    'a misspelt argument',
    'expectedtotal',
    (l) => l.placeOrder(unchecked({ ...order, expectedtotal: 1 })),
  ],
  [
    'a total that is not exact',
    'expectedTotal',
    (l) => l.placeOrder({ ...order, expectedTotal: 2 ** 53 }),
  ],
  ['a total below zero', 'expectedTotal', (l) => l.placeOrder({ ...order, expectedTotal: -1 })],
  ['notes that are too long', 'notes', (l) => l.placeOrder({ ...order, notes: 'x'.repeat(2001) })],
  ['a NUL in a text', 'NUL', (l) => l.placeOrder({ ...order, notes: 'a\u0000b' })],
  [
    'metadata that is no JSON',
    'metadata',
    (l) => l.placeOrder({ ...order, metadata: { at: unchecked(new Date()) } }),
  ],
  ['an empty key', 'idempotencyKey', (l) => l.placeOrder(order, { idempotencyKey: '' })],
  [
    'a key that is too long',
    'idempotencyKey',
    (l) => l.placeOrder(order, { idempotencyKey: 'k'.repeat(256) }),
  ],
  [
    'an unknown status',
    'newStatus',
    (l) => l.changeOrderStatus({ ...change, newStatus: unchecked('sent') }),
  ],
  [
    'a restock that is no boolean',
    'metadata.restock',
    (l) => l.changeOrderStatus({ ...change, metadata: { restock: unchecked('yes') } }),
  ],
  ['a withdrawal of nothing', 'amount', (l) => l.requestWithdrawal({ ...payOut, amount: 0 })],
  [
    'a withdrawal to nowhere',
    'destination',
    (l) => l.requestWithdrawal({ ...payOut, destination: {} }),
  ],
  [
    'a currency that is no code',
    'currency',
    (l) => l.requestWithdrawal({ ...payOut, currency: 'dollars' }),
  ],
  ['an argument where there is none', 'since', (l) => l.checkBooks(unchecked({ since: 1 }))],
];

test.each(wrongCalls)('%s is invalid_input and is not sent', async (_name, where, call) => {
  rest.willAnswer(placed);
  await expect(call(ledger)).rejects.toMatchObject({
    name: 'LedgerError',
    code: 'invalid_input',
    message: expect.stringContaining(where),
    details: { issues: expect.any(Array) },
  });
  expect(rest.calls).toHaveLength(0);
});
