import { expect, test } from 'vitest';
import type { Sql } from '../../support/connection.ts';
import { testThatBooksAreInOrder } from '../../support/crowd.ts';
import { interleave, type Outcome } from '../../support/interleave.ts';
import { type Answer, BACKEND, type Call } from '../../support/sessions.ts';
import {
  adjustStock,
  changeStatus,
  createCustomer,
  createStaff,
  createVariant,
  createVendor,
  type OrderRef,
  placed,
  refer,
  succeed,
} from '../../support/shop.ts';
import { createTestDatabase } from '../../support/test-database.ts';

const db = await createTestDatabase('permutations_refunds');
const [one, two] = [await createStaff(db.sql, 'admin'), await createStaff(db.sql, 'admin')];

const FIRST_WINS = 'a acts, b acts: waits, a commits, b goes on, b commits';
const SECOND_GETS_IT = 'a acts, b acts: waits, a rolls back, b goes on, b commits';

/**
 * Three of ten units at 1000, delivered: 2000 out of a wallet of 2000, the rest by transfer. A vendor and
 * who brought the customer have earned by it.
 */
async function aDeliveredOrder(sql: Sql): Promise<OrderRef> {
  const [owner, referrer] = [await createCustomer(sql), await createCustomer(sql)];
  const customer = await createCustomer(sql, { balance: 2000 });
  await refer(sql, referrer, customer);
  const vendor = await createVendor(sql, { owner });
  const variant = await createVariant(sql, { stock: 10, price: 1000, vendor });
  const order = await placed(sql, customer, [[variant, 3]], { p_payment_method: 'wallet_partial' });
  await succeed(sql, {
    actor: BACKEND,
    procedure: 'ledger_record_payment',
    args: { p_order_id: order.id, p_amount: 1000 },
  });
  await succeed(sql, changeStatus(BACKEND, order, 'pending', 'processing'));
  await succeed(sql, changeStatus(BACKEND, order, 'processing', 'delivered'));
  return order;
}

const refund = (actor: string, order: OrderRef, quantity: number, extra: object = {}): Call => ({
  actor,
  procedure: 'ledger_refund_order',
  args: {
    p_order_id: order.id,
    p_lines: [{ line_number: 1, quantity }],
    p_restock: true,
    ...extra,
  },
});

const settle = (
  actor: string,
  refundId: string,
  action: 'paid' | 'failed' | 'withdrawn',
): Call => ({
  actor,
  procedure: 'ledger_settle_refund',
  args: { p_refund_id: refundId, p_action: action },
});

/** What is back of the order, as its row, its stock and its customer's wallet have it. */
async function expectBack(order: OrderRef, units: number, status: string) {
  const [row] = await db.sql`
    select o.status, o.credited_amount, o.refunded_amount, s.on_hand, a.available_balance
    from orders o join accounts a on a.id = o.account_id
    join order_items i on i.order_id = o.id join stock_levels s on s.variant_id = i.variant_id
    where o.id = ${order.id}`;
  const money = units * 1000;
  expect(row).toEqual({
    status,
    credited_amount: money,
    refunded_amount: money,
    on_hand: 7 + units,
    available_balance: money,
  });
}

const refusals = ({ committed }: Outcome) =>
  committed.flatMap((answer) => (answer.success ? [] : [answer.error_code]));

const wins = ({ committed }: Outcome) => committed.filter((answer) => answer.success).length;

test('two refunds of the same units: they go back once', async () => {
  const traces = await interleave(db, async (sql) => {
    const order = await aDeliveredOrder(sql);
    return {
      sessions: { a: refund(one, order, 2), b: refund(two, order, 2) },
      async check(outcome) {
        expect(wins(outcome)).toBe(1);
        expect(refusals(outcome).every((code) => code === 'units_not_refundable')).toBe(true);
        await expectBack(order, 2, 'delivered');
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('two refunds that there are units for: both go back, and the last one ends the order', async () => {
  await interleave(db, async (sql) => {
    const order = await aDeliveredOrder(sql);
    return {
      sessions: { a: refund(one, order, 1), b: refund(two, order, 2) },
      async check({ endings }) {
        const units = (endings.a === 'commit' ? 1 : 0) + (endings.b === 'commit' ? 2 : 0);
        await expectBack(order, units, units === 3 ? 'refunded' : 'delivered');
      },
    };
  });
});

test.each(['cancelled', 'refunded'])(
  'a refund beside the order becoming %s: everything goes back once',
  async (status) => {
    const traces = await interleave(db, async (sql) => {
      const order = await aDeliveredOrder(sql);
      return {
        sessions: {
          a: refund(one, order, 2),
          b: changeStatus(two, order, 'delivered', status, { p_metadata: { restock: true } }),
        },
        async check(outcome) {
          for (const code of refusals(outcome)) expect(code).toBe('refund_not_allowed');
          if (outcome.endings.b === 'commit') await expectBack(order, 3, status);
          else await expectBack(order, 2, 'delivered');
        },
      };
    });
    expect(traces).toContain(FIRST_WINS);
    expect(traces).toContain(SECOND_GETS_IT);
  },
);

test('a refund of what was shipped beside the cancellation of an order under way: everything goes back once', async () => {
  const traces = await interleave(db, async (sql) => {
    const variant = await createVariant(sql, { stock: 10, price: 1000 });
    const customer = await createCustomer(sql, { balance: 3000 });
    const order = await placed(sql, customer, [[variant, 3]]);
    await succeed(sql, changeStatus(BACKEND, order, 'pending', 'processing'));
    await succeed(sql, changeStatus(BACKEND, order, 'processing', 'shipped'));
    return {
      sessions: {
        a: refund(one, order, 1),
        b: changeStatus(two, order, 'shipped', 'cancelled'),
      },
      async check(outcome) {
        for (const code of refusals(outcome)) expect(code).toBe('refund_not_allowed');
        if (outcome.endings.b === 'commit') await expectBack(order, 3, 'cancelled');
        else await expectBack(order, 1, 'shipped');
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
});

test('a refund beside the delivery: it is taken out of what is delivered, or back from it', async () => {
  await interleave(db, async (sql) => {
    const variant = await createVariant(sql, { stock: 10, price: 1000 });
    const customer = await createCustomer(sql, { balance: 3000 });
    const order = await placed(sql, customer, [[variant, 3]]);
    await succeed(sql, changeStatus(BACKEND, order, 'pending', 'processing'));
    await succeed(sql, changeStatus(BACKEND, order, 'processing', 'shipped'));
    return {
      sessions: {
        a: refund(one, order, 1),
        b: changeStatus(two, order, 'shipped', 'delivered'),
      },
      async check(outcome) {
        expect(refusals(outcome)).toEqual([]);
        const units = outcome.endings.a === 'commit' ? 1 : 0;
        await expectBack(order, units, outcome.endings.b === 'commit' ? 'delivered' : 'shipped');
      },
    };
  });
});

const giveUp = (actor: string, order: OrderRef, quantity: number): Call =>
  refund(actor, order, quantity, { p_lines: [{ line_number: 1, quantity, unshipped: true }] });

test('units are given up while the rest is shipped: none is both, and none is neither', async () => {
  const traces = await interleave(db, async (sql) => {
    const variant = await createVariant(sql, { stock: 10, price: 1000 });
    const customer = await createCustomer(sql, { balance: 3000 });
    const order = await placed(sql, customer, [[variant, 3]]);
    await succeed(sql, changeStatus(BACKEND, order, 'pending', 'processing'));
    return {
      sessions: {
        a: giveUp(one, order, 2),
        b: { actor: two, procedure: 'ledger_ship_order', args: { p_order_id: order.id } },
      },
      async check(outcome) {
        for (const code of refusals(outcome)) expect(code).toBe('units_not_refundable');
        const ships = outcome.endings.b === 'commit';
        const givenUp = outcome.endings.a === 'commit' && refusals(outcome).length === 0 ? 2 : 0;
        await expectBack(order, givenUp, ships ? 'shipped' : 'processing');
        const [row] = await sql`
          select coalesce(sum(quantity), 0)::bigint as out from shipment_lines where order_id = ${order.id}`;
        expect(row?.out).toBe(ships ? 3 - givenUp : 0);
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
});

test('a backorder is given up while its goods come in: they end in stock', async () => {
  await interleave(db, async (sql) => {
    const variant = await createVariant(sql, { stock: 1, price: 1000 });
    await sql`update variants set backorder_allowed = true where id = ${variant}`;
    const customer = await createCustomer(sql, { balance: 3000 });
    const order = await placed(sql, customer, [[variant, 3]]);
    await succeed(sql, changeStatus(BACKEND, order, 'pending', 'processing'));
    return {
      sessions: { a: giveUp(one, order, 2), b: { ...adjustStock(variant, 2), actor: two } },
      async check(outcome) {
        expect(refusals(outcome)).toEqual([]);
        const [givenUp, came] = [outcome.endings.a === 'commit', outcome.endings.b === 'commit'];
        const [row] = await sql`
          select s.on_hand, b.open_quantity from stock_levels s join backorders b on b.variant_id = s.variant_id
          where b.order_id = ${order.id}`;
        expect(row).toEqual({
          on_hand: givenUp && came ? 2 : 0,
          open_quantity: givenUp || came ? 0 : 2,
        });
      },
    };
  });
});

test.each(['paid', 'failed'] as const)(
  'two who settle one payout, as paid and as %s: one of both',
  async (other) => {
    const traces = await interleave(db, async (sql) => {
      const order = await aDeliveredOrder(sql);
      const answer = await succeed(sql, refund(BACKEND, order, 3, { p_to: 'original' }));
      const { refund_id } = answer as Answer & { refund_id: string };
      return {
        sessions: { a: settle(one, refund_id, 'paid'), b: settle(two, refund_id, other) },
        async check(outcome) {
          expect(wins(outcome)).toBe(1);
          for (const code of refusals(outcome)) expect(code).toBe('refund_conflict');
          const [row] = await sql`
            select f.payout_status, f.payout_amount, a.available_balance
            from refunds f join accounts a on a.id = f.account_id where f.id = ${refund_id}`;
          const failed = row?.payout_status === 'failed';
          expect(row).toEqual({
            payout_status: failed ? other : 'paid',
            payout_amount: 1000,
            available_balance: failed ? 3000 : 2000,
          });
        },
      };
    });
    expect(traces).toContain(FIRST_WINS);
    expect(traces).toContain(SECOND_GETS_IT);
  },
);

test('a payment that bounced is voided while its payout is withdrawn: afterwards or not at all', async () => {
  const traces = await interleave(db, async (sql) => {
    const order = await aDeliveredOrder(sql);
    const answer = await succeed(sql, refund(BACKEND, order, 3, { p_to: 'original' }));
    const { refund_id } = answer as Answer & { refund_id: string };
    const [payment] = await sql<
      { id: string }[]
    >`select id from payments where order_id = ${order.id}`;
    return {
      sessions: {
        a: settle(one, refund_id, 'withdrawn'),
        b: { actor: two, procedure: 'ledger_void_payment', args: { p_payment_id: payment?.id } },
      },
      async check(outcome) {
        const withdrawn = outcome.endings.a === 'commit';
        for (const code of refusals(outcome)) expect(code).toBe('payment_already_used');
        const voided = wins(outcome) === (withdrawn ? 2 : 1);
        if (voided) expect(withdrawn).toBe(true);
        const [row] = await sql`
          select o.paid_amount, o.refunded_amount, o.outstanding_amount, f.payout_status
          from orders o join refunds f on f.order_id = o.id where o.id = ${order.id}`;
        expect(row).toEqual({
          paid_amount: voided ? 2000 : 3000,
          refunded_amount: withdrawn ? 2000 : 3000,
          outstanding_amount: withdrawn && !voided ? -1000 : 0,
          payout_status: withdrawn ? 'withdrawn' : 'pending',
        });
      },
    };
  });
  expect(traces).toContain(SECOND_GETS_IT);
});

testThatBooksAreInOrder(db);
