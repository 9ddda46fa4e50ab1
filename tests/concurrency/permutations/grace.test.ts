import { expect, test } from 'vitest';
import type { Sql } from '../../support/connection.ts';
import { testThatBooksAreInOrder } from '../../support/crowd.ts';
import { interleave, type Outcome, overlaps } from '../../support/interleave.ts';
import { BACKEND, type Call } from '../../support/sessions.ts';
import {
  createCustomer,
  createStaff,
  createVariant,
  type OrderRef,
  place,
  placed,
  succeed,
} from '../../support/shop.ts';
import { createTestDatabase } from '../../support/test-database.ts';

const db = await createTestDatabase('permutations_grace');
const fay = await createStaff(db.sql, 'finance');
await db.sql`update payment_methods set is_active = true where code in ('bank_transfer_grace', 'invoice')`;

const FIRST_WINS = 'a acts, b acts: waits, a commits, b goes on, b commits';
const SECOND_GETS_IT = 'a acts, b acts: waits, a rolls back, b goes on, b commits';
const NOBODY_WAITS = 'a acts, b acts, a commits, b commits';

const EXPIRY = { statements: 'select ledger.expire_grace()' };

const record = (orderId: string): Call => ({
  actor: fay,
  procedure: 'ledger_record_payment',
  args: { p_order_id: orderId, p_amount: 2000 },
});

const extend = (orderId: string): Call => ({
  actor: fay,
  procedure: 'ledger_extend_grace',
  args: { p_order_id: orderId, p_until: new Date(Date.now() + 86_400_000).toISOString() },
});

const submit = (customer: string, orderId: string): Call => ({
  actor: customer,
  procedure: 'ledger_submit_receipt',
  args: { p_order_id: orderId, p_amount: 2000, p_reference: `receipt of ${orderId}` },
});

const setTerms = (customer: string, terms: Record<string, unknown>): Call => ({
  actor: BACKEND,
  procedure: 'ledger_set_credit_terms',
  args: { p_user_id: customer, ...terms },
});

/** An order of 2000 in grace whose time is over; what earlier permutations left open is put off. */
async function anOverdueOrder(sql: Sql): Promise<OrderRef> {
  const customer = await createCustomer(sql);
  const variant = await createVariant(sql, { stock: 10, price: 1000 });
  const order = await placed(sql, customer, [[variant, 2]], {
    p_payment_method: 'bank_transfer_grace',
  });
  await sql.begin(async (transaction) => {
    await transaction`select set_config('ledger.procedure', 'tests', true)`;
    await transaction`
      update payment_deadlines set due_at = clock_timestamp() + case order_id when ${order.id} then interval '-1 day' else interval '1 day' end
      where status = 'open'`;
  });
  return order;
}

/** The order, its deadline and its customer's wallet, as they are in the end. */
async function state(sql: Sql, order: OrderRef) {
  const [row] = await sql<{ state: string }[]>`
    select concat_ws(' ', o.status, o.payment_status, d.status, a.available_balance) as state
    from orders o join accounts a on a.id = o.account_id join payment_deadlines d on d.order_id = o.id where o.id = ${order.id}`;
  return row?.state;
}

const wins = ({ committed }: Outcome) => committed.filter((answer) => answer.success).length;

const refusals = ({ committed }: Outcome) =>
  committed.flatMap((answer) => (answer.success ? [] : [answer.error_code]));

const UNTOUCHED = 'pending in_grace open 0';
const CANCELLED = 'cancelled unpaid settled 0';

test('a payment comes while its order expires: it pays the order, or is wallet credit', async () => {
  const seen = new Set<string | undefined>();
  const traces = await interleave(db, async (sql) => {
    const order = await anOverdueOrder(sql);
    return {
      sessions: { a: record(order.id), b: EXPIRY },
      async check(outcome) {
        const end = await state(sql, order);
        seen.add(end);
        expect(
          outcome.endings.a === 'commit'
            ? ['pending paid settled 0', 'cancelled unpaid settled 2000']
            : [CANCELLED, UNTOUCHED],
        ).toContain(end);
      },
    };
  });
  // what is being paid is passed over, and what is being cancelled is waited for
  expect(traces).toContain(NOBODY_WAITS);
  expect(traces.some((trace) => trace.startsWith('b acts, a acts: waits'))).toBe(true);
  expect(seen.size).toBe(4);
});

test('an order is put off while it expires: it stays, or finance is told that it has ended', async () => {
  const seen = new Set<string | undefined>();
  const traces = await interleave(db, async (sql) => {
    const order = await anOverdueOrder(sql);
    return {
      sessions: { a: extend(order.id), b: EXPIRY },
      async check(outcome) {
        const end = await state(sql, order);
        if (outcome.answer('a').success && outcome.endings.a === 'commit') {
          expect(end).toBe(UNTOUCHED);
          const [deadline] = await sql`
            select extensions, due_at > clock_timestamp() as later from payment_deadlines where order_id = ${order.id}`;
          expect(deadline).toEqual({ extensions: 1, later: true });
          seen.add('put off');
        } else {
          expect([CANCELLED, UNTOUCHED]).toContain(end);
          for (const code of refusals(outcome)) {
            expect([code, end]).toEqual(['grace_not_possible', CANCELLED]);
            seen.add('refused');
          }
        }
      },
    };
  });
  expect(traces).toContain(NOBODY_WAITS);
  expect(seen).toEqual(new Set(['put off', 'refused']));
});

test('a receipt is uploaded while its order expires: it is looked at, or is for an order that has ended', async () => {
  await interleave(db, async (sql) => {
    const order = await anOverdueOrder(sql);
    return {
      sessions: { a: submit(order.customer, order.id), b: EXPIRY },
      async check(outcome) {
        const end = await state(sql, order);
        if (outcome.endings.a === 'commit' && wins(outcome) === 1 && end !== CANCELLED) {
          expect(end).toBe('pending receipt_uploaded open 0');
        } else {
          expect([CANCELLED, UNTOUCHED]).toContain(end);
        }
      },
    };
  });
});

test('the job runs twice at once: nobody waits, and the order ends once', async () => {
  const traces = await interleave(db, async (sql) => {
    const order = await anOverdueOrder(sql);
    return {
      sessions: { a: EXPIRY, b: EXPIRY },
      async check(outcome) {
        expect(outcome.waited).toEqual([]);
        const [ended] = await sql`
          select count(*)::int as count from transactions where order_id = ${order.id} and type = 'order_cancelled'`;
        const end = await state(sql, order);
        expect([
          [1, CANCELLED],
          [0, UNTOUCHED],
        ]).toContainEqual([ended?.count, end]);
      },
    };
  });
  expect(traces).toContain(NOBODY_WAITS);
});

test('two orders in grace at once, and one is allowed: the other is refused', async () => {
  const traces = await interleave(db, async (sql) => {
    const customer = await createCustomer(sql);
    const variant = await createVariant(sql, { stock: 10, price: 1000 });
    await succeed(sql, setTerms(customer, { p_max_grace_orders: 1 }));
    const order = place(customer, [[variant, 2]], { p_payment_method: 'bank_transfer_grace' });
    return {
      sessions: { a: order, b: order },
      check(outcome) {
        expect(wins(outcome)).toBe(1);
        expect(refusals(outcome).every((code) => code === 'grace_limit_reached')).toBe(true);
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('two orders on invoice at once, and the limit is for one: the other is refused', async () => {
  const traces = await interleave(db, async (sql) => {
    const customer = await createCustomer(sql);
    const variant = await createVariant(sql, { stock: 10, price: 1000 });
    await succeed(sql, setTerms(customer, { p_credit_limit_amount: 3000 }));
    const order = place(customer, [[variant, 2]], { p_payment_method: 'invoice' });
    return {
      sessions: { a: order, b: order },
      async check(outcome) {
        expect(wins(outcome)).toBe(1);
        expect(refusals(outcome).every((code) => code === 'credit_limit_exceeded')).toBe(true);
        const [debt] = await sql`
          select c.debt_amount from account_debt_cache c join accounts a on a.id = c.account_id where a.user_id = ${customer}`;
        expect(debt).toEqual({ debt_amount: 2000 });
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('credit is withdrawn while it is used: the order was first, or is refused', async () => {
  const traces = await interleave(db, async (sql) => {
    const customer = await createCustomer(sql);
    const variant = await createVariant(sql, { stock: 10, price: 1000 });
    await succeed(sql, setTerms(customer, { p_credit_limit_amount: 3000 }));
    return {
      sessions: {
        a: place(customer, [[variant, 2]], { p_payment_method: 'invoice' }),
        b: setTerms(customer, {}),
      },
      check(outcome) {
        expect(refusals(outcome).every((code) => code === 'credit_not_granted')).toBe(true);
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
});

test('the job takes stock back while two customers order it: nobody waits in a circle', async () => {
  const names = ['a', 'b', 'c'];
  await interleave(
    db,
    async (sql) => {
      const order = await anOverdueOrder(sql);
      const [{ variant_id: variant = '' } = {}] = await sql<{ variant_id: string }[]>`
        select variant_id from order_items where order_id = ${order.id}`;
      const other = await createVariant(sql, { stock: 10, price: 1000 });
      return {
        sessions: {
          a: place(order.customer, [[other, 1]], { p_payment_method: 'bank_transfer' }),
          b: EXPIRY,
          c: place(
            await createCustomer(sql),
            [
              [variant, 1],
              [other, 1],
            ],
            { p_payment_method: 'bank_transfer' },
          ),
        },
        async check(outcome) {
          expect(wins(outcome)).toBe(2);
          expect([CANCELLED, UNTOUCHED]).toContain(await state(sql, order));
        },
      };
    },
    overlaps(names),
  );
});

testThatBooksAreInOrder(db);
