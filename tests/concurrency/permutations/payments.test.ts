import { expect, test } from 'vitest';
import type { Sql } from '../../support/connection.ts';
import { testThatBooksAreInOrder } from '../../support/crowd.ts';
import { interleave, type Outcome } from '../../support/interleave.ts';
import { BACKEND, type Call } from '../../support/sessions.ts';
import {
  changeStatus,
  createCustomer,
  createStaff,
  createVariant,
  type OrderRef,
  placed,
  succeed,
} from '../../support/shop.ts';
import { createTestDatabase } from '../../support/test-database.ts';

const db = await createTestDatabase('permutations_payments');
const [one, two] = [await createStaff(db.sql, 'finance'), await createStaff(db.sql, 'finance')];

// what is not paid goes on too, so that there is something to give up
await db.sql`update order_status_transitions set needs_payment = false`;

const FIRST_WINS = 'a acts, b acts: waits, a commits, b goes on, b commits';
const SECOND_GETS_IT = 'a acts, b acts: waits, a rolls back, b goes on, b commits';

const call =
  (procedure: string) =>
  (actor: string, args: object): Call => ({ actor, procedure, args: { ...args } });
const record = call('ledger_record_payment');
const issue = call('ledger_issue_invoice');
const allocate = call('ledger_allocate_payment');
const voidPayment = call('ledger_void_payment');
const release = call('ledger_release_payment');
const refund = call('ledger_refund_order');

/** An order of so many units at 1000, unpaid. */
async function anOrder(sql: Sql, customer: string, units: number): Promise<OrderRef> {
  const variant = await createVariant(sql, { stock: 10, price: 1000 });
  return placed(sql, customer, [[variant, units]], { p_payment_method: 'bank_transfer' });
}

async function invoiceOf(sql: Sql, order: OrderRef): Promise<string> {
  const { invoice_id = '' } = await succeed(sql, issue(BACKEND, { p_order_id: order.id }));
  return invoice_id;
}

async function onAccount(sql: Sql, customer: string, amount: number): Promise<string> {
  const { payment_id = '' } = await succeed(
    sql,
    record(BACKEND, { p_user_id: customer, p_amount: amount }),
  );
  return payment_id;
}

const share = (payment: string, invoice: string, amount: number) => ({
  p_payment_id: payment,
  p_lines: [{ invoice_id: invoice, amount }],
});

/** Parts of the payment, what the customer owes by invoices and has unapplied, and the wallet. */
async function figures(payment: string) {
  const [row] = await db.sql`
    select p.status, p.allocated_amount as allocated, p.unapplied_amount as unapplied, p.credit_amount as credit,
           c.debt_amount as debt, c.unapplied_amount as remainders, a.available_balance as wallet
    from payments p join accounts a on a.id = p.account_id join account_debt_cache c on c.account_id = a.id
    where p.id = ${payment}`;
  return row;
}

async function owed(...orders: OrderRef[]) {
  const rows = await db.sql`
    select o.outstanding_amount as due from orders o where o.id in ${db.sql(orders.map(({ id }) => id))} order by o.id`;
  return rows.map(({ due }) => due);
}

const refusals = ({ committed }: Outcome) =>
  committed.flatMap((answer) => (answer.success ? [] : [answer.error_code]));

test('a payment is voided while it is allocated to another order: it pays neither, or both until it is voided', async () => {
  const traces = await interleave(db, async (sql) => {
    const customer = await createCustomer(sql);
    const [first, second] = [await anOrder(sql, customer, 1), await anOrder(sql, customer, 2)];
    const [early, late] = [await invoiceOf(sql, first), await invoiceOf(sql, second)];
    const payment = await onAccount(sql, customer, 2000);
    await succeed(sql, allocate(BACKEND, share(payment, early, 600)));
    return {
      sessions: {
        a: allocate(one, share(payment, late, 1400)),
        b: voidPayment(two, { p_payment_id: payment }),
      },
      async check(outcome) {
        const voided = outcome.endings.b === 'commit';
        expect(refusals(outcome).every((code) => code === 'payment_conflict')).toBe(true);
        if (voided) {
          expect(outcome.answer('b').success).toBe(true);
          expect(await figures(payment)).toMatchObject({
            status: 'voided',
            debt: 3000,
            remainders: 0,
          });
          expect(await owed(first, second)).toEqual([1000, 2000]);
        } else {
          expect(await figures(payment)).toMatchObject({
            allocated: 2000,
            debt: 1000,
            remainders: 0,
          });
          expect(await owed(first, second)).toEqual([400, 600]);
        }
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('units are given up while the rest of the order is paid through its invoice: it owes what is left, and the payment keeps what is too much', async () => {
  const traces = await interleave(db, async (sql) => {
    const customer = await createCustomer(sql);
    const order = await anOrder(sql, customer, 3);
    const invoice = await invoiceOf(sql, order);
    const payment = await onAccount(sql, customer, 3000);
    await succeed(sql, allocate(BACKEND, share(payment, invoice, 1000)));
    await succeed(sql, changeStatus(BACKEND, order, 'pending', 'processing'));
    return {
      sessions: {
        a: refund(BACKEND, {
          p_order_id: order.id,
          p_lines: [{ line_number: 1, quantity: 1, unshipped: true }],
        }),
        b: allocate(two, share(payment, invoice, 2000)),
      },
      async check(outcome) {
        const [refunded, allocated] = [
          outcome.endings.a === 'commit',
          outcome.endings.b === 'commit',
        ];
        const refusal = refusals(outcome);
        expect(refusal.every((code) => code === 'allocation_exceeds_invoice')).toBe(true);
        const paid = allocated && refusal.length === 0;
        // given up after it was paid: the money is back in the wallet
        expect(await figures(payment)).toMatchObject({
          allocated: paid ? 3000 : 1000,
          unapplied: paid ? 0 : 2000,
          debt: paid ? 0 : refunded ? 1000 : 2000,
          wallet: paid && refunded ? 1000 : 0,
        });
        expect(await owed(order)).toEqual([paid ? 0 : refunded ? 1000 : 2000]);
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('a remainder is released while it is allocated: it goes to one of both', async () => {
  const traces = await interleave(db, async (sql) => {
    const customer = await createCustomer(sql);
    const invoice = await invoiceOf(sql, await anOrder(sql, customer, 1));
    const payment = await onAccount(sql, customer, 1000);
    return {
      sessions: {
        a: release(one, { p_payment_id: payment, p_amount: 600 }),
        b: allocate(two, share(payment, invoice, 1000)),
      },
      async check(outcome) {
        const winners = outcome.committed.filter((answer) => answer.success);
        expect(winners).toHaveLength(1);
        const allocated = 'allocated_amount' in (winners[0] ?? {});
        expect(
          refusals(outcome).every(
            (code) => code === (allocated ? 'nothing_unapplied' : 'allocation_exceeds_payment'),
          ),
        ).toBe(true);
        expect(await figures(payment)).toMatchObject(
          allocated
            ? { allocated: 1000, unapplied: 0, debt: 0, remainders: 0, wallet: 0 }
            : { allocated: 0, unapplied: 400, debt: 1000, remainders: 400, wallet: 600 },
        );
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('an order is paid while its invoice is issued: it is paid once, and the invoice claims what is owed', async () => {
  const traces = await interleave(db, async (sql) => {
    const customer = await createCustomer(sql);
    const order = await anOrder(sql, customer, 2);
    return {
      sessions: {
        a: record(one, { p_order_id: order.id, p_amount: 500 }),
        b: issue(two, { p_order_id: order.id }),
      },
      async check(outcome) {
        expect(refusals(outcome)).toEqual([]);
        const [paid, issued] = [outcome.endings.a === 'commit', outcome.endings.b === 'commit'];
        expect(await owed(order)).toEqual([paid ? 1500 : 2000]);
        const [invoice] = await db.sql`
          select b.remaining_amount as remaining, i.prepaid_amount + b.allocated_total as settled
          from invoices i join invoice_balance_cache b on b.invoice_id = i.id where i.order_id = ${order.id}`;
        expect(invoice).toEqual(
          issued ? { remaining: paid ? 1500 : 2000, settled: paid ? 500 : 0 } : undefined,
        );
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('one transfer is recorded for two invoices at once: it is recorded once', async () => {
  const reference = { current: 0 };
  const traces = await interleave(db, async (sql) => {
    const customers = [await createCustomer(sql), await createCustomer(sql)];
    const name = `R-${reference.current++}`;
    return {
      sessions: {
        a: record(one, { p_user_id: customers[0], p_amount: 500, p_reference: name }),
        b: record(two, { p_user_id: customers[1], p_amount: 500, p_reference: name.toLowerCase() }),
      },
      async check(outcome) {
        expect(outcome.committed.filter((answer) => answer.success)).toHaveLength(1);
        expect(refusals(outcome).every((code) => code === 'payment_reference_used')).toBe(true);
        const rows = await db.sql`select 1 from payments where upper(reference) = ${name}`;
        expect(rows).toHaveLength(1);
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('an order is rejected while its invoice is paid: it is rejected and the money is wallet credit, or it is paid', async () => {
  const traces = await interleave(db, async (sql) => {
    const customer = await createCustomer(sql);
    const order = await anOrder(sql, customer, 2);
    await invoiceOf(sql, order);
    return {
      sessions: {
        a: changeStatus(BACKEND, order, 'pending', 'rejected'),
        b: record(two, { p_order_id: order.id, p_amount: 500 }),
      },
      async check(outcome) {
        expect(refusals(outcome).every((code) => code === 'order_invoiced')).toBe(true);
        const [row] = await db.sql`
          select o.status, i.status as invoice, b.allocated_total as allocated, a.available_balance as wallet, c.debt_amount as debt
          from orders o join invoices i on i.order_id = o.id join invoice_balance_cache b on b.invoice_id = i.id
          join accounts a on a.id = o.account_id join account_debt_cache c on c.account_id = a.id where o.id = ${order.id}`;
        const paid = outcome.endings.b === 'commit' ? 500 : 0;
        expect([
          { status: 'rejected', invoice: 'void', allocated: 0, wallet: paid, debt: 0 },
          {
            status: 'pending',
            invoice: 'issued',
            allocated: paid,
            wallet: 0,
            debt: 2000 - paid,
          },
        ]).toContainEqual(row);
        if (outcome.endings.a === 'commit' && paid === 0) expect(row?.status).toBe('rejected');
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('one transfer is recorded for two customers without an account at once: the one it is refused for gets none', async () => {
  let counted = 0;
  const traces = await interleave(db, async (sql) => {
    const customers = [await createCustomer(sql), await createCustomer(sql)] as const;
    const reference = `A-${counted++}`;
    const receive = (actor: string, customer: string) =>
      record(actor, {
        p_user_id: customer,
        p_amount: 500,
        p_reference: reference,
        p_currency: 'EUR',
      });
    return {
      sessions: { a: receive(one, customers[0]), b: receive(two, customers[1]) },
      async check(outcome) {
        expect(outcome.committed.filter((answer) => answer.success)).toHaveLength(1);
        expect(refusals(outcome).every((code) => code === 'payment_reference_used')).toBe(true);
        const accounts = await db.sql`
          select 1 from accounts where currency = 'EUR' and user_id in ${db.sql(customers)}`;
        expect(accounts).toHaveLength(1);
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

testThatBooksAreInOrder(db);
