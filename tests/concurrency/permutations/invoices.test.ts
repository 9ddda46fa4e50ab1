import { expect, test } from 'vitest';
import type { Sql } from '../../support/connection.ts';
import { testThatBooksAreInOrder } from '../../support/crowd.ts';
import { interleave, type Outcome } from '../../support/interleave.ts';
import { BACKEND, type Call } from '../../support/sessions.ts';
import {
  createCustomer,
  createStaff,
  createVariant,
  type OrderRef,
  placed,
  succeed,
} from '../../support/shop.ts';
import { createTestDatabase } from '../../support/test-database.ts';

const db = await createTestDatabase('permutations_invoices');
const [one, two] = [await createStaff(db.sql, 'finance'), await createStaff(db.sql, 'finance')];

const FIRST_WINS = 'a acts, b acts: waits, a commits, b goes on, b commits';
const SECOND_GETS_IT = 'a acts, b acts: waits, a rolls back, b goes on, b commits';

const call =
  (procedure: string) =>
  (actor: string, args: object): Call => ({ actor, procedure, args: { ...args } });
const issue = call('ledger_issue_invoice');
const credit = call('ledger_credit_invoice');
const voidInvoice = call('ledger_void_invoice');
const change = call('ledger_change_invoice');
const allocate = call('ledger_allocate_payment');
const edit = call('ledger_edit_order');

async function anOrder(sql: Sql): Promise<OrderRef> {
  const variant = await createVariant(sql, { stock: 10, price: 1000 });
  return placed(sql, await createCustomer(sql), [[variant, 2]], {
    p_payment_method: 'bank_transfer',
  });
}

/** Ten at 100, no order's, and a payment on account to go with it. */
async function aFreeInvoice(sql: Sql, paid: number) {
  const customer = await createCustomer(sql);
  const { invoice_id: invoice = '' } = await succeed(
    sql,
    issue(BACKEND, {
      p_user_id: customer,
      p_lines: [{ description: 'work', quantity: 10, unit_price_amount: 100 }],
    }),
  );
  const { payment_id: payment = '' } = await succeed(
    sql,
    call('ledger_record_payment')(BACKEND, { p_user_id: customer, p_amount: paid }),
  );
  return { invoice, payment };
}

const share = (payment: string, invoice: string, amount: number) => ({
  p_payment_id: payment,
  p_lines: [{ invoice_id: invoice, amount }],
});

const refusals = ({ committed }: Outcome) =>
  committed.flatMap((answer) => (answer.success ? [] : [answer.error_code]));

/** What the invoice claims, has and has left; what the customer owes, and has unapplied. */
async function figures(invoice: string) {
  const [row] = await db.sql`
    select i.status, b.amount, b.allocated_total as allocated, b.remaining_amount as remaining,
           c.debt_amount as debt, c.unapplied_amount as unapplied
    from invoices i join invoice_balance_cache b on b.invoice_id = i.id join account_debt_cache c on c.account_id = i.account_id
    where i.id = ${invoice}`;
  return row;
}

/** Live invoices of an order, and how far its series has counted beside how many there are. */
async function invoicesOf(order: OrderRef) {
  const [row] = await db.sql`
    select count(*) filter (where i.order_id = ${order.id} and i.status = 'issued') as live,
           count(*) - (select s.next_number - s.first_number from invoice_series s where s.code = 'invoice') as gap
    from invoices i where i.series = 'invoice'`;
  return row;
}

test('an order is invoiced twice at once: it has one invoice, and no number is lost', async () => {
  const traces = await interleave(db, async (sql) => {
    const order = await anOrder(sql);
    return {
      sessions: {
        a: issue(one, { p_order_id: order.id }),
        b: issue(two, { p_order_id: order.id }),
      },
      async check(outcome) {
        const issued = outcome.committed.filter((answer) => answer.success);
        expect(issued).toHaveLength(Math.min(outcome.committed.length, 1));
        expect(refusals(outcome).every((code) => code === 'order_invoiced')).toBe(true);
        expect(await invoicesOf(order)).toEqual({ live: issued.length, gap: 0 });
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('an order is edited while it is invoiced: the invoice says what the order is', async () => {
  await interleave(db, async (sql) => {
    const order = await anOrder(sql);
    return {
      sessions: {
        a: edit(one, { p_order_id: order.id, p_changes: [{ line_number: 1, quantity: 1 }] }),
        b: issue(two, { p_order_id: order.id }),
      },
      async check(outcome) {
        expect(refusals(outcome).every((code) => code === 'order_invoiced')).toBe(true);
        const [row] = await db.sql`
          select count(*) as differing from orders o join invoices i on i.order_id = o.id
          where o.id = ${order.id} and i.total_amount <> o.total_amount`;
        expect(row).toEqual({ differing: 0 });
      },
    };
  });
});

test('an invoice becomes void while a payment is allocated to it: one of both, and never money on a void one', async () => {
  const traces = await interleave(db, async (sql) => {
    const { invoice, payment } = await aFreeInvoice(sql, 600);
    return {
      sessions: {
        a: voidInvoice(one, { p_invoice_id: invoice }),
        b: allocate(two, share(payment, invoice, 600)),
      },
      async check(outcome) {
        const done = outcome.committed.filter((answer) => answer.success).length;
        expect(done).toBe(Math.min(outcome.committed.length, 1));
        expect(
          refusals(outcome).every((code) =>
            ['invoice_allocated', 'invoice_not_open'].includes(code ?? ''),
          ),
        ).toBe(true);
        const row = await figures(invoice);
        if (row?.status === 'void') {
          expect(row).toMatchObject({ amount: 0, allocated: 0, debt: 0, unapplied: 600 });
        } else {
          const allocated = done === 1 ? 600 : 0;
          expect(row).toMatchObject({
            amount: 1000,
            allocated,
            debt: 1000 - allocated,
            unapplied: 600 - allocated,
          });
        }
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('an invoice is credited while a payment is allocated to it: what is too much is released or refused', async () => {
  const traces = await interleave(db, async (sql) => {
    const { invoice, payment } = await aFreeInvoice(sql, 900);
    return {
      sessions: {
        a: credit(one, { p_invoice_id: invoice, p_lines: [{ line_number: 1, quantity: 4 }] }),
        b: allocate(two, share(payment, invoice, 900)),
      },
      async check(outcome) {
        const credited = outcome.endings.a === 'commit';
        const refused = refusals(outcome);
        expect(refused.every((code) => code === 'allocation_exceeds_invoice')).toBe(true);
        const paid = outcome.endings.b === 'commit' && refused.length === 0;
        const allocated = paid ? (credited ? 600 : 900) : 0;
        const amount = credited ? 600 : 1000;
        expect(await figures(invoice)).toMatchObject({
          amount,
          allocated,
          remaining: amount - allocated,
          debt: amount - allocated,
          unapplied: 900 - allocated,
        });
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('two credit notes for the same units: one is told that none are left', async () => {
  await interleave(db, async (sql) => {
    const { invoice } = await aFreeInvoice(sql, 1);
    const eight = { p_invoice_id: invoice, p_lines: [{ line_number: 1, quantity: 8 }] };
    return {
      sessions: { a: credit(one, eight), b: credit(two, eight) },
      async check(outcome) {
        const done = outcome.committed.filter((answer) => answer.success).length;
        expect(done).toBe(Math.min(outcome.committed.length, 1));
        expect(refusals(outcome).every((code) => code === 'units_not_creditable')).toBe(true);
        expect(await figures(invoice)).toMatchObject({ amount: 1000 - 800 * done });
      },
    };
  });
});

test('two who read the same version: the later one is told, and says nothing over the other', async () => {
  await interleave(db, async (sql) => {
    const { invoice } = await aFreeInvoice(sql, 1);
    return {
      sessions: {
        a: change(one, { p_invoice_id: invoice, p_notes: 'from a', p_expected_version: 1 }),
        b: credit(two, { p_invoice_id: invoice, p_amount: 100, p_expected_version: 1 }),
      },
      async check(outcome) {
        const done = outcome.committed.filter((answer) => answer.success).length;
        expect(done).toBe(Math.min(outcome.committed.length, 1));
        expect(refusals(outcome).every((code) => code === 'invoice_changed')).toBe(true);
      },
    };
  });
});

testThatBooksAreInOrder(db);
