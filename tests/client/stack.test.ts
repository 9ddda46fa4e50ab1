import { randomUUID } from 'node:crypto';
import { createClient } from '@supabase/supabase-js';
import { beforeAll, describe, expect, test } from 'vitest';
import { createOrderLedger, type OrderLedger } from '../../types/index.ts';
import { sealEverything } from '../support/books.ts';
import { startTestApi } from '../support/test-api.ts';
import { createTestDatabase } from '../support/test-database.ts';

const db = await createTestDatabase('client_stack');
const api = await startTestApi(db);

const visitor = createOrderLedger(api.anon);
const backend = createOrderLedger(api.service);

interface Customer {
  userId: string;
  ledger: OrderLedger;
}

let variantId: string;
let admin: OrderLedger;

/** A customer with so much in the wallet, in US cents. */
async function customerWith(amount: number): Promise<Customer> {
  const userId = await db.createUser();
  const ledger = createOrderLedger(await api.user(userId));
  if (amount > 0) await backend.creditAccount({ userId, amount });
  return { userId, ledger };
}

const mugs = (quantity: number) => ({ items: [{ variantId, quantity }] });

async function ordersOf({ userId }: Customer) {
  return db.sql`select id from public.orders where user_id = ${userId}`;
}

beforeAll(async () => {
  const [product] = await db.sql`insert into products (name) values ('Blue mug') returning id`;
  const [variant] = await db.sql`
    insert into variants (product_id, sku, name, price_amount, currency)
    values (${product?.id}, 'MUG-1', 'Default', 1250, 'USD') returning id
  `;
  variantId = variant?.id;
  const adminId = await db.createUser();
  await db.sql`insert into user_roles (user_id, role) values (${adminId}, 'admin')`;
  admin = createOrderLedger(await api.user(adminId));
  await admin.adjustStock({ variantId, quantity: 1000, notes: 'first delivery' });
});

test('an order is quoted to a visitor, placed, moved and cancelled', async () => {
  const customer = await customerWith(10_000);
  const quote = await visitor.orderQuote(mugs(2));
  expect(quote).toMatchObject({ currency: 'USD', totalAmount: 2500, pricesIncludeTax: false });
  expect(quote.lines).toMatchObject([{ lineNumber: 1, productSku: 'MUG-1', quantity: 2 }]);

  const order = await customer.ledger.placeOrder({
    ...mugs(2),
    expectedTotal: quote.totalAmount,
    metadata: { cartId: 7 },
  });
  expect(order).toMatchObject({
    status: 'pending',
    paymentStatus: 'paid',
    totalAmount: 2500,
    amountDue: 0,
    availableBalance: 7500,
  });

  const change = { userId: customer.userId, referenceId: order.orderId, amount: 2500 };
  await expect(
    admin.changeOrderStatus({ ...change, oldStatus: 'pending', newStatus: 'processing' }),
  ).resolves.toMatchObject({ orderStatus: 'processing', returnedAmount: 0 });
  await admin.changeOrderStatus({ ...change, oldStatus: 'processing', newStatus: 'delivered' });
  await expect(
    admin.changeOrderStatus({
      ...change,
      oldStatus: 'delivered',
      newStatus: 'cancelled',
      metadata: { restock: true },
      actorAction: 'broken in transit',
    }),
  ).resolves.toMatchObject({
    orderStatus: 'cancelled',
    paymentStatus: 'refunded',
    returnedAmount: 2500,
    availableBalance: 10_000,
  });
});

test('a customer cancels an order of their own', async () => {
  const { ledger } = await customerWith(2500);
  const { orderId } = await ledger.placeOrder(mugs(1));
  await expect(ledger.cancelOrder({ orderId, reason: 'two are too many' })).resolves.toMatchObject({
    orderStatus: 'cancelled',
    returnedAmount: 1250,
    availableBalance: 2500,
  });
});

describe('an idempotency key', () => {
  test('gives the same answer again and does nothing twice', async () => {
    const customer = await customerWith(5000);
    const key = { idempotencyKey: randomUUID() };
    const first = await customer.ledger.placeOrder(mugs(1), key);
    await expect(customer.ledger.placeOrder(mugs(1), key)).resolves.toEqual(first);
    await expect(ordersOf(customer)).resolves.toHaveLength(1);
  });

  test('is refused for another request', async () => {
    const { ledger } = await customerWith(5000);
    const key = { idempotencyKey: randomUUID() };
    await ledger.placeOrder(mugs(1), key);
    await expect(ledger.placeOrder(mugs(2), key)).rejects.toMatchObject({
      code: 'idempotency_conflict',
    });
  });
});

describe('a lost connection', () => {
  test('after the order was placed leads to the same order', async () => {
    const customer = await customerWith(5000);
    let lost = 0;
    const losingTheFirst: typeof fetch = async (...request) => {
      const response = await fetch(...request);
      if (lost > 0) return response;
      lost += 1;
      await response.text();
      throw new TypeError('fetch failed');
    };
    const client = createClient(api.url, api.keys.secretKey, {
      auth: { persistSession: false },
      global: { fetch: losingTheFirst },
    });
    const order = await createOrderLedger(client, { retryDelay: 1 }).placeOrder({
      ...mugs(1),
      userId: customer.userId,
    });
    expect(lost).toBe(1);
    await expect(ordersOf(customer)).resolves.toMatchObject([{ id: order.orderId }]);
  });

  test('of the server to the database, in the middle of the order, leads to one order', async () => {
    const customer = await customerWith(5000);
    const blocker = await db.session('service_role');
    await blocker`reset role`;
    await blocker`begin`;
    await blocker`select from public.accounts where user_id = ${customer.userId} for update`;
    const [{ pid } = { pid: 0 }] = await blocker`select pg_backend_pid() as pid`;

    const placing = customer.ledger.placeOrder(mugs(1));
    await expect
      .poll(
        () => db.sql`
          select pg_terminate_backend(pid) from pg_stat_activity
          where ${pid} = any (pg_blocking_pids(pid))
        `,
        { timeout: 10_000 },
      )
      .toHaveLength(1);
    await blocker`commit`;

    const order = await placing;
    await expect(ordersOf(customer)).resolves.toMatchObject([{ id: order.orderId }]);
  });
});

describe('a refusal', () => {
  test('for lack of stock says how much is left', async () => {
    const { ledger } = await customerWith(0);
    await expect(ledger.placeOrder(mugs(5000))).rejects.toMatchObject({
      name: 'LedgerError',
      code: 'insufficient_stock',
      message: expect.stringContaining('5000 asked'),
      details: { variant_id: variantId, requested: 5000 },
    });
  });

  test('for lack of funds says how much is there', async () => {
    const { ledger } = await customerWith(1000);
    await expect(ledger.placeOrder(mugs(1))).rejects.toMatchObject({
      code: 'insufficient_funds',
      message: '12.50 USD is needed, 10.00 USD is available.',
      details: { required: 1250, available: 1000, currency: 'USD' },
    });
  });

  test('of an order that somebody else has moved names its status', async () => {
    const { userId, ledger } = await customerWith(1250);
    const { orderId } = await ledger.placeOrder(mugs(1));
    const change = { userId, referenceId: orderId, amount: 1250 };
    await expect(
      admin.changeOrderStatus({ ...change, oldStatus: 'confirmed', newStatus: 'processing' }),
    ).rejects.toMatchObject({ code: 'status_conflict', details: { status: 'pending' } });
  });
});

describe('permission_denied', () => {
  test('meets a customer who credits themselves', async () => {
    const { userId, ledger } = await customerWith(0);
    await expect(ledger.creditAccount({ userId, amount: 1 })).rejects.toMatchObject({
      code: 'permission_denied',
      message: expect.stringContaining('Roles that have it: admin, finance'),
      details: { status: 403, code: '42501' },
    });
  });

  test('meets a visitor who places an order', async () => {
    await expect(visitor.placeOrder(mugs(1))).rejects.toMatchObject({
      code: 'permission_denied',
      message: expect.stringContaining('Sign in'),
      details: { status: 401 },
    });
  });

  test('meets an access token that is none', async () => {
    const client = createClient(api.url, api.keys.publishableKey, {
      auth: { persistSession: false },
      global: { headers: { Authorization: 'Bearer not.a.token' } },
    });
    await expect(createOrderLedger(client).myPermissions()).rejects.toMatchObject({
      code: 'permission_denied',
    });
  });
});

test('orders are edited, paid from outside, and a payment is voided', async () => {
  const { ledger } = await customerWith(0);
  const { orderId } = await ledger.placeOrder({ ...mugs(1), paymentMethod: 'bank_transfer' });
  const changes = [{ lineNumber: 1, quantity: 2 }];
  const tried = await ledger.editOrder({ orderId, changes, dryRun: true });
  expect(tried).toMatchObject({ transactionId: null, differenceAmount: 1250, version: 1 });
  await expect(
    ledger.editOrder({ orderId, changes, expectedVersion: 1, expectedTotal: tried.totalAmount }),
  ).resolves.toMatchObject({
    totalAmount: 2500,
    outstandingAmount: 2500,
    version: 2,
    changes: [{ lineNumber: 1, oldQuantity: 1, newQuantity: 2 }],
  });
  const { paymentId, ...payment } = await admin.recordPayment({ orderId, amount: 2600 });
  expect(payment).toMatchObject({
    appliedAmount: 2500,
    creditAmount: 100,
    paymentStatus: 'overpaid',
  });
  await expect(admin.voidPayment({ paymentId })).resolves.toMatchObject({
    outstandingAmount: 2500,
  });
  await expect(ledger.recordPayment({ orderId, amount: 1 })).rejects.toMatchObject({
    code: 'permission_denied',
  });
});

test('withdrawals are requested, approved, paid, and taken back', async () => {
  const { ledger } = await customerWith(5000);
  const request = { amount: 2000, destination: { iban: 'DE00 0000' } };
  const first = await ledger.requestWithdrawal(request);
  expect(first).toMatchObject({ status: 'requested', amount: 2000, availableBalance: 3000 });
  const { withdrawalId } = first;
  await expect(
    admin.reviewWithdrawal({ withdrawalId, decision: 'approve' }),
  ).resolves.toMatchObject({ status: 'approved' });
  await expect(
    admin.reviewWithdrawal({ withdrawalId, decision: 'mark_paid', bankReference: 'T-1' }),
  ).resolves.toMatchObject({ status: 'paid', availableBalance: 3000 });
  await expect(ledger.cancelWithdrawal({ withdrawalId })).rejects.toMatchObject({
    code: 'withdrawal_conflict',
  });

  const second = await ledger.requestWithdrawal(request);
  await expect(
    ledger.cancelWithdrawal({ withdrawalId: second.withdrawalId }),
  ).resolves.toMatchObject({ status: 'cancelled', availableBalance: 3000 });
});

test('a frozen account spends nothing until it is released', async () => {
  const { userId, ledger } = await customerWith(5000);
  await expect(
    admin.freezeAccount({ userId, frozen: true, reason: 'stolen card' }),
  ).resolves.toMatchObject({ frozen: true });
  await expect(ledger.placeOrder(mugs(1))).rejects.toMatchObject({ code: 'account_frozen' });
  await admin.freezeAccount({ userId, frozen: false });
  await expect(ledger.placeOrder(mugs(1))).resolves.toMatchObject({ availableBalance: 3750 });
});

test('addresses are saved, used and deleted', async () => {
  const { ledger } = await customerWith(1250);
  const address = { recipient: 'Ada', line1: '1 Main St', city: 'Erbil', country: 'iq' };
  const { addressId } = await ledger.saveAddress(address);
  await expect(ledger.saveAddress({ ...address, addressId, line2: '' })).resolves.toEqual({
    addressId,
  });
  await ledger.placeOrder({ ...mugs(1), shippingAddressId: addressId });
  await expect(ledger.deleteAddress({ addressId })).resolves.toEqual({});
  await expect(ledger.deleteAddress({ addressId })).rejects.toMatchObject({
    code: 'address_not_found',
  });
});

test('a referral is registered by code', async () => {
  const referrer = await customerWith(0);
  const referee = await customerWith(0);
  const [profile] = await db.sql`
    select referral_code from public.profiles where id = ${referrer.userId}
  `;
  await expect(
    referee.ledger.registerReferral({ referralCode: profile?.referral_code }),
  ).resolves.toEqual({ referrerUserId: referrer.userId, rateBp: 500 });
});

test('permissions are those of the roles', async () => {
  const { ledger } = await customerWith(0);
  await expect(ledger.myPermissions()).resolves.toEqual([]);
  await expect(admin.myPermissions()).resolves.toContain('stock.adjust');
});

test('the books are in order and the seals intact', async () => {
  await customerWith(100);
  await sealEverything(db.sql);
  await expect(admin.checkBooks()).resolves.toEqual([]);
  const balances = await admin.trialBalance();
  const sum = (side: 'debitAmount' | 'creditAmount') =>
    balances.reduce((total, row) => total + row[side], 0);
  expect(sum('debitAmount')).toBeGreaterThan(0);
  expect(sum('debitAmount')).toBe(sum('creditAmount'));
  const [seals] = await db.sql`select count(*)::int as count from public.event_seals`;
  expect(seals?.count).toBeGreaterThan(0);
  await expect(admin.verifySeals()).resolves.toMatchObject({ isComplete: true, problems: [] });
});

test('a hash that was kept elsewhere shows a chain that was made anew', async () => {
  await customerWith(100);
  await sealEverything(db.sql);
  const [kept] = await db.sql<{ sealNumber: number; hash: string }[]>`
    select (payload ->> 'seal_number')::int as "sealNumber", payload ->> 'hash' as hash
    from ledger.outbox where type = 'events.sealed' order by id desc limit 1
  `;
  if (!kept) throw new Error('no events.sealed message was queued');
  await expect(admin.checkpoint()).resolves.toMatchObject(kept);
  await expect(admin.verifySeals(kept)).resolves.toMatchObject({ problemCount: 0 });
  await expect(
    admin.verifySeals({ sealNumber: kept.sealNumber, hash: 'f'.repeat(64) }),
  ).resolves.toMatchObject({
    problems: [{ sealNumber: kept.sealNumber, problem: 'is not the seal whose hash was kept' }],
  });
  await expect(admin.verifySeals({ fromSeal: 3, toSeal: 2 })).rejects.toMatchObject({
    code: 'invalid_argument',
  });
});

test('a list that is longer than the server answers at once is complete', async () => {
  await db.sql`
    create or replace function public.my_permissions() returns setof text
    language sql stable security definer set search_path = ''
    as 'select lpad(n::text, 4, ''0'') from generate_series(1, 2345) n order by 1'
  `;
  const permissions = await admin.myPermissions();
  expect(permissions).toHaveLength(2345);
  expect(new Set(permissions).size).toBe(2345);
});
