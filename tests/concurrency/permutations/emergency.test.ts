import { expect, test } from 'vitest';
import type { Sql } from '../../support/connection.ts';
import { testThatBooksAreInOrder } from '../../support/crowd.ts';
import { interleave, overlaps } from '../../support/interleave.ts';
import {
  brokenOrder,
  type OldOrder,
  sentOutUnknownToTheCustomer,
  stuckReceipt,
  walletWithoutTransaction,
} from '../../support/old-orders.ts';
import { BACKEND, type Call } from '../../support/sessions.ts';
import { cancel, createCustomer, createStaff, createVariant } from '../../support/shop.ts';
import { createTestDatabase } from '../../support/test-database.ts';

const db = await createTestDatabase('permutations_emergency');
const admin = await createStaff(db.sql, 'admin');
const finance = await createStaff(db.sql, 'finance');

const FIRST_WINS = 'a acts, b acts: waits, a commits, b goes on, b commits';

const fix = (actor: string, orders: OldOrder[]): Call => ({
  actor,
  procedure: 'integrity_emergency_order_fix',
  args: { p_order_numbers: `{${orders.map(({ number }) => number).join()}}`, p_dry_run: false },
});

const pay = (order: OldOrder): Call => ({
  actor: order.customer,
  procedure: 'ledger_pay_order_from_wallet',
  args: { p_order_id: order.id },
});

async function skuOf(sql: Sql): Promise<string> {
  const variant = await createVariant(sql, { stock: 10, price: 1000 });
  const [{ sku = '' } = {}] = await sql<{ sku: string }[]>`
    select sku from variants where id = ${variant}`;
  return sku;
}

/** Customers with 100.00 have a broken order each, or one has all of them. */
async function broken(sql: Sql, ...claims: Record<string, string>[]) {
  const customer = await createCustomer(sql, { balance: 10_000 });
  const sku = await skuOf(sql);
  const orders: OldOrder[] = [];
  for (const claim of claims) orders.push(await brokenOrder(sql, customer, sku, claim));
  return { customer, orders, order: orders[0] as OldOrder };
}

async function state(sql: Sql, order: OldOrder) {
  const [row] = await sql`
    select o.status, o.wallet_amount, o.wallet_refunded_amount, o.paid_amount, a.available_balance,
           (select count(*)::int from transactions t where t.order_id = o.id and t.type = 'order_paid_from_wallet') as wallet_payments,
           (select coalesce(sum(p.amount), 0)::bigint from payments p where p.order_id = o.id and p.status = 'captured' and p.source = 'receipt') as captured
    from orders o join accounts a on a.id = o.account_id where o.id = ${order.id}`;
  return row;
}

test('two fixes of one order at once: the wallet pays once', async () => {
  const traces = await interleave(db, async (sql) => {
    const { order, orders } = await broken(sql, walletWithoutTransaction);
    return {
      sessions: { a: fix(admin, orders), b: fix(BACKEND, orders) },
      async check({ committed }) {
        expect(committed.every((answer) => answer.success)).toBe(true);
        expect(await state(sql, order)).toMatchObject({
          status: 'confirmed',
          wallet_amount: 2000,
          available_balance: 8000,
          wallet_payments: 1,
        });
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
});

test('two fixes name the orders of one customer the other way round: neither waits for ever', async () => {
  await interleave(
    db,
    async (sql) => {
      const { orders } = await broken(sql, walletWithoutTransaction, sentOutUnknownToTheCustomer);
      return {
        sessions: { a: fix(admin, orders), b: fix(admin, orders.toReversed()) },
        async check({ committed }) {
          expect(committed.every((answer) => answer.success)).toBe(true);
          const found = await Promise.all(orders.map((order) => state(sql, order)));
          expect(found.map((row) => row?.status)).toEqual(['confirmed', 'delivered']);
          expect(found[0]).toMatchObject({ wallet_payments: 1, available_balance: 8000 });
        },
      };
    },
    overlaps(['a', 'b']),
  );
});

test('a fix beside the cancellation by the customer: paid and given back, or never paid', async () => {
  const traces = await interleave(db, async (sql) => {
    const { customer, order, orders } = await broken(sql, walletWithoutTransaction);
    return {
      sessions: { a: fix(admin, orders), b: cancel(customer, order.id) },
      async check({ endings, committed }) {
        expect(committed.every((answer) => answer.success)).toBe(true);
        const found = await state(sql, order);
        if (endings.b === 'commit') {
          expect(found).toMatchObject({ status: 'cancelled', available_balance: 10_000 });
          expect(found?.wallet_amount).toBe(found?.wallet_refunded_amount);
        } else {
          expect(found).toMatchObject({ status: 'confirmed', available_balance: 8000 });
        }
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
});

test('a fix beside the cancellation of another order of the customer', async () => {
  await interleave(
    db,
    async (sql) => {
      const { customer, orders } = await broken(
        sql,
        walletWithoutTransaction,
        walletWithoutTransaction,
      );
      const [, second] = orders;
      return {
        sessions: { a: fix(admin, orders), b: cancel(customer, second?.id ?? '') },
        async check({ committed }) {
          expect(committed.every((answer) => answer.success)).toBe(true);
        },
      };
    },
    overlaps(['a', 'b']),
  );
});

let counted = 0;

test.each(['approve', 'reject'])(
  'a fix beside a review that would %s: one transfer, one payment',
  async (action) => {
    const traces = await interleave(
      db,
      async (sql) => {
        const reference = `EMERGENCY-${++counted}`;
        const { order, orders } = await broken(sql, stuckReceipt(reference));
        const [{ id = '' } = {}] = await sql<{ id: string }[]>`
      select id from payment_receipts where reference = ${reference}`;
        const review: Call = {
          actor: finance,
          procedure: 'ledger_review_receipt',
          args: { p_receipt_id: id, p_action: action, p_notes: 'looked at' },
        };
        return {
          sessions: { a: fix(admin, orders), b: review },
          async check() {
            const found = await state(sql, order);
            const [receipt] = await sql`select status from payment_receipts where id = ${id}`;
            const approved = receipt?.status === 'approved';
            expect(['approved', 'rejected']).toContain(receipt?.status);
            expect(found).toMatchObject({
              status: approved ? 'confirmed' : 'pending',
              paid_amount: approved ? 2000 : 0,
              captured: approved ? 2000 : 0,
            });
          },
        };
      },
      overlaps(['a', 'b']),
    );
    expect(traces).toContain(FIRST_WINS);
  },
);

test('a fix while the customer pays from the wallet: it is paid once', async () => {
  await interleave(
    db,
    async (sql) => {
      const { order, orders } = await broken(sql, walletWithoutTransaction);
      return {
        sessions: { a: fix(admin, orders), b: pay(order) },
        async check() {
          expect(await state(sql, order)).toMatchObject({
            paid_amount: 2000,
            available_balance: 8000,
            wallet_payments: 1,
          });
        },
      };
    },
    overlaps(['a', 'b']),
  );
});

testThatBooksAreInOrder(db);
