import { expect, test } from 'vitest';
import type { Sql } from '../../support/connection.ts';
import { testThatBooksAreInOrder } from '../../support/crowd.ts';
import { interleave, type Outcome } from '../../support/interleave.ts';
import { BACKEND, type Call } from '../../support/sessions.ts';
import {
  cancel,
  changeStatus,
  createCustomer,
  createVariant,
  placed,
  succeed,
} from '../../support/shop.ts';
import { createTestDatabase } from '../../support/test-database.ts';

const db = await createTestDatabase('permutations_edits');

const byStaff = (procedure: string, args: Call['args']): Call => ({
  actor: BACKEND,
  procedure,
  args,
});
/** Line 1 to this many units. */
const edit = (orderId: string, quantity: number, extra: Call['args'] = {}) =>
  byStaff('ledger_edit_order', {
    p_order_id: orderId,
    p_changes: [{ line_number: 1, quantity }],
    ...extra,
  });
const pay = (orderId: string, amount: number, reference?: string) =>
  byStaff('ledger_record_payment', {
    p_order_id: orderId,
    p_amount: amount,
    p_reference: reference,
  });

/** Three of ten units at 1000, of a customer with 9000. */
async function anOrder(sql: Sql, extra: Call['args'] = {}) {
  const variant = await createVariant(sql, { stock: 10, price: 1000 });
  const customer = await createCustomer(sql, { balance: 9000 });
  return { ...(await placed(sql, customer, [[variant, 3]], extra)), variant };
}

/** What the order, the wallet and the shelf say, as the tests name it. */
async function stateOf(sql: Sql, orderId: string) {
  const [row] = await sql`
    select o.status, o.payment_status as payment, o.total_amount as total, o.outstanding_amount as due,
           o.version, a.available_balance as wallet, s.on_hand as stock,
           (select coalesce(sum(l.quantity), 0)::bigint from shipment_lines l where l.order_id = o.id) as shipped
    from orders o
    join accounts a on a.id = o.account_id
    join order_items i on i.order_id = o.id
    join stock_levels s on s.variant_id = i.variant_id
    where o.id = ${orderId}`;
  return row;
}

const codes = (outcome: Outcome) => outcome.committed.map((answer) => answer.error_code);
const done = (outcome: Outcome, session: string) =>
  outcome.endings[session] === 'commit' && outcome.answer(session).success;

test('two edits that name the version they saw: one wins, the other reads version_conflict', async () => {
  const traces = await interleave(db, async (sql) => {
    const order = await anOrder(sql);
    return {
      sessions: {
        a: edit(order.id, 5, { p_expected_version: 1 }),
        b: edit(order.id, 2, { p_expected_version: 1 }),
      },
      async check(outcome) {
        expect(outcome.committed.filter((answer) => answer.success)).toHaveLength(1);
        expect(
          codes(outcome).filter((code) => code !== null && code !== 'version_conflict'),
        ).toEqual([]);
        const units = done(outcome, 'a') ? 5 : 2;
        expect(await stateOf(sql, order.id)).toMatchObject({
          total: units * 1000,
          due: 0,
          version: 2,
          wallet: 9000 - units * 1000,
          stock: 10 - units,
        });
      },
    };
  });
  expect(traces).toContain('a acts, b acts: waits, a commits, b goes on, b commits');
});

test('two edits that name no version: both happen, the later one counts', async () => {
  await interleave(db, async (sql) => {
    const order = await anOrder(sql);
    return {
      sessions: { a: edit(order.id, 5), b: edit(order.id, 2) },
      async check(outcome) {
        expect(outcome.committed.every((answer) => answer.success)).toBe(true);
        const state = await stateOf(sql, order.id);
        const units = Number(state?.total) / 1000;
        expect([5, 2]).toContain(units);
        expect(state).toMatchObject({
          due: 0,
          version: 1 + outcome.committed.length,
          wallet: 9000 - units * 1000,
          stock: 10 - units,
        });
      },
    };
  });
});

test('an edit beside a cancellation: money and goods come back as they are at the end', async () => {
  await interleave(db, async (sql) => {
    const order = await anOrder(sql);
    return {
      sessions: { a: edit(order.id, 5), b: cancel(order.customer, order.id) },
      async check(outcome) {
        expect(
          codes(outcome).filter((code) => code !== null && code !== 'edit_not_allowed'),
        ).toEqual([]);
        const units = done(outcome, 'a') ? 5 : 3;
        const gone = done(outcome, 'b');
        expect(outcome.endings.b === 'commit').toBe(gone);
        expect(await stateOf(sql, order.id)).toMatchObject({
          status: gone ? 'cancelled' : 'pending',
          total: units * 1000,
          due: 0,
          wallet: gone ? 9000 : 9000 - units * 1000,
          stock: gone ? 10 : 10 - units,
        });
      },
    };
  });
});

test('an edit beside a shipment: what is shipped stays on the order, what is edited away is not shipped', async () => {
  await interleave(db, async (sql) => {
    const order = await anOrder(sql);
    await succeed(sql, changeStatus(BACKEND, order, 'pending', 'processing'));
    return {
      sessions: {
        a: edit(order.id, 1),
        b: byStaff('ledger_ship_order', {
          p_order_id: order.id,
          p_lines: [{ line_number: 1, quantity: 2 }],
        }),
      },
      async check(outcome) {
        const allowed = [null, 'line_shipped', 'units_not_shippable'];
        expect(codes(outcome).filter((code) => !allowed.includes(code))).toEqual([]);
        const edited = done(outcome, 'a');
        const shipped = done(outcome, 'b');
        expect(edited && shipped).toBe(false);
        expect(await stateOf(sql, order.id)).toMatchObject({
          total: edited ? 1000 : 3000,
          due: 0,
          shipped: shipped ? 2 : 0,
          stock: edited ? 9 : 7,
        });
      },
    };
  });
});

test('an edit up beside the payment of what was due: the order owes the difference, nothing is lost', async () => {
  await interleave(db, async (sql) => {
    const order = await anOrder(sql, { p_payment_method: 'bank_transfer' });
    return {
      sessions: { a: edit(order.id, 5), b: pay(order.id, 3000) },
      async check(outcome) {
        expect(outcome.committed.every((answer) => answer.success)).toBe(true);
        const total = done(outcome, 'a') ? 5000 : 3000;
        const paid = done(outcome, 'b') ? 3000 : 0;
        expect(await stateOf(sql, order.id)).toMatchObject({
          total,
          due: total - paid,
          wallet: 9000,
          payment: paid === 0 ? 'unpaid' : paid < total ? 'partially_paid' : 'paid',
        });
      },
    };
  });
});

test('an edit down beside the payment of what was due: the surplus is wallet credit, whoever comes first', async () => {
  await interleave(db, async (sql) => {
    const order = await anOrder(sql, { p_payment_method: 'bank_transfer' });
    return {
      sessions: { a: edit(order.id, 1), b: pay(order.id, 3000) },
      async check(outcome) {
        expect(outcome.committed.every((answer) => answer.success)).toBe(true);
        const total = done(outcome, 'a') ? 1000 : 3000;
        const paid = done(outcome, 'b') ? 3000 : 0;
        expect(await stateOf(sql, order.id)).toMatchObject({
          total,
          due: Math.max(total - paid, 0),
          wallet: 9000 + Math.max(paid - total, 0),
        });
      },
    };
  });
});

test('the same transfer recorded for two orders at once: one of them has it', async () => {
  let number = 0;
  const traces = await interleave(db, async (sql) => {
    const reference = `T-${++number}`;
    const orders = [
      await anOrder(sql, { p_payment_method: 'bank_transfer' }),
      await anOrder(sql, { p_payment_method: 'bank_transfer' }),
    ];
    const [first, second] = orders.map((order) => order.id);
    return {
      sessions: { a: pay(first ?? '', 3000, reference), b: pay(second ?? '', 3000, reference) },
      async check(outcome) {
        expect(outcome.committed.filter((answer) => answer.success)).toHaveLength(1);
        expect(
          codes(outcome).filter((code) => code !== null && code !== 'payment_reference_used'),
        ).toEqual([]);
        const paid = await sql`
          select o.id from orders o where o.id = any (${[first ?? '', second ?? '']}) and o.payment_status = 'paid'`;
        expect(paid).toHaveLength(1);
      },
    };
  });
  expect(traces).toContain('a acts, b acts: waits, a rolls back, b goes on, b commits');
});

test('two who void a payment: it is voided once', async () => {
  await interleave(db, async (sql) => {
    const order = await anOrder(sql, { p_payment_method: 'bank_transfer' });
    await succeed(sql, pay(order.id, 3500));
    const [payment] = await sql`select id from payments where order_id = ${order.id}`;
    const voided = byStaff('ledger_void_payment', { p_payment_id: payment?.id });
    return {
      sessions: { a: voided, b: voided },
      async check(outcome) {
        expect(outcome.committed.filter((answer) => answer.success)).toHaveLength(1);
        expect(
          codes(outcome).filter((code) => code !== null && code !== 'payment_conflict'),
        ).toEqual([]);
        expect(await stateOf(sql, order.id)).toMatchObject({
          payment: 'unpaid',
          due: 3000,
          wallet: 9000,
        });
      },
    };
  });
});

test('a payment is voided beside the spending of its surplus: it is spent or taken back, not both', async () => {
  await interleave(db, async (sql) => {
    const order = await anOrder(sql, { p_payment_method: 'bank_transfer' });
    await succeed(sql, pay(order.id, 4000));
    const [payment] = await sql`select id from payments where order_id = ${order.id}`;
    return {
      sessions: {
        a: byStaff('ledger_void_payment', { p_payment_id: payment?.id }),
        b: {
          actor: order.customer,
          procedure: 'ledger_request_withdrawal',
          args: { p_amount: 9500, p_destination: { iban: 'A' } },
        },
      },
      async check(outcome) {
        const allowed = [null, 'payment_already_used', 'insufficient_funds'];
        expect(codes(outcome).filter((code) => !allowed.includes(code))).toEqual([]);
        expect(done(outcome, 'a') && done(outcome, 'b')).toBe(false);
        const state = await stateOf(sql, order.id);
        expect(state?.wallet).toBe(done(outcome, 'a') ? 9000 : done(outcome, 'b') ? 500 : 10_000);
      },
    };
  });
});

testThatBooksAreInOrder(db);
