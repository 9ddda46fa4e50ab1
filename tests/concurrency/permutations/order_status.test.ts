import { expect, test } from 'vitest';
import type { Sql } from '../../support/connection.ts';
import { testThatBooksAreInOrder } from '../../support/crowd.ts';
import { interleave, type Outcome } from '../../support/interleave.ts';
import { BACKEND } from '../../support/sessions.ts';
import {
  cancel,
  changeStatus,
  createCustomer,
  createStaff,
  createVariant,
  type OrderRef,
  placed,
} from '../../support/shop.ts';
import { createTestDatabase } from '../../support/test-database.ts';

const db = await createTestDatabase('permutations_order_status');
const [one, two] = [await createStaff(db.sql, 'admin'), await createStaff(db.sql, 'admin')];

const FIRST_WINS = 'a acts, b acts: waits, a commits, b goes on, b commits';
const SECOND_GETS_IT = 'a acts, b acts: waits, a rolls back, b goes on, b commits';

/** Three of ten units at 1000, paid out of 5000. */
async function anOrder(sql: Sql) {
  const variant = await createVariant(sql, { stock: 10, price: 1000 });
  return placed(sql, await createCustomer(sql, { balance: 5000 }), [[variant, 3]]);
}

/** One success; the other, if it counted at all, was told; and the order is where the winner put it. */
async function expectOneWinner(outcome: Outcome, order: OrderRef, refusals: string[]) {
  const winners = outcome.committed.filter((answer) => answer.success);
  expect(winners).toHaveLength(1);
  for (const loser of outcome.committed.filter((answer) => !answer.success)) {
    expect(refusals).toContain(loser.error_code);
  }
  const status = winners[0]?.order_status;
  const back = status === 'cancelled';
  const [row] = await db.sql`
    select o.status, a.available_balance, s.on_hand, o.version, (select count(*) from order_status_history h where h.order_id = o.id) as history
    from orders o join accounts a on a.id = o.account_id
    join order_items i on i.order_id = o.id join stock_levels s on s.variant_id = i.variant_id
    where o.id = ${order.id}`;
  expect(row).toEqual({
    status,
    available_balance: back ? 5000 : 2000,
    on_hand: back ? 10 : 7,
    version: 2,
    history: 2,
  });
}

test('two status changes of one order: one wins, the other reads status_conflict', async () => {
  const traces = await interleave(db, async (sql) => {
    const order = await anOrder(sql);
    return {
      sessions: {
        a: changeStatus(one, order, 'pending', 'confirmed'),
        b: changeStatus(two, order, 'pending', 'rejected'),
      },
      check: (outcome) => expectOneWinner(outcome, order, ['status_conflict']),
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('two cancellations by staff: the money and the goods come back once', async () => {
  const traces = await interleave(db, async (sql) => {
    const order = await anOrder(sql);
    return {
      sessions: {
        a: changeStatus(one, order, 'pending', 'cancelled'),
        b: changeStatus(two, order, 'pending', 'cancelled'),
      },
      check: (outcome) => expectOneWinner(outcome, order, ['status_conflict']),
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('a cancellation by the customer and one in their name: the second reads that the order is final', async () => {
  const traces = await interleave(db, async (sql) => {
    const order = await anOrder(sql);
    return {
      sessions: {
        a: cancel(order.customer, order.id),
        b: cancel(BACKEND, order.id, { p_user_id: order.customer }),
      },
      check: (outcome) => expectOneWinner(outcome, order, ['invalid_transition']),
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('the customer cancels beside staff who take the order into processing: one of both', async () => {
  const traces = await interleave(db, async (sql) => {
    const order = await anOrder(sql);
    return {
      sessions: {
        a: cancel(order.customer, order.id),
        b: changeStatus(one, order, 'pending', 'processing'),
      },
      check: (outcome) =>
        expectOneWinner(outcome, order, ['status_conflict', 'cancellation_not_allowed']),
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('the customer cancels beside staff who confirm: a confirmed order may still be cancelled, a cancelled one not confirmed', async () => {
  await interleave(db, async (sql) => {
    const order = await anOrder(sql);
    return {
      sessions: {
        a: cancel(order.customer, order.id),
        b: changeStatus(one, order, 'pending', 'confirmed'),
      },
      async check({ answer, committed, endings }) {
        const cancelled = endings.a === 'commit';
        if (cancelled) expect(answer('a').success).toBe(true);
        expect(
          committed
            .map((row) => row.error_code)
            .filter((code) => code !== null && code !== 'status_conflict'),
        ).toEqual([]);
        const [row] = await sql`
          select o.status, a.available_balance from orders o join accounts a on a.id = o.account_id where o.id = ${order.id}`;
        expect(row).toEqual(
          cancelled
            ? { status: 'cancelled', available_balance: 5000 }
            : { status: 'confirmed', available_balance: 2000 },
        );
      },
    };
  });
});

test('two orders of one customer are cancelled at once: each gives back its own', async () => {
  await interleave(db, async (sql) => {
    const variant = await createVariant(sql, { stock: 10, price: 1000 });
    const customer = await createCustomer(sql, { balance: 5000 });
    const first = await placed(sql, customer, [[variant, 1]]);
    const second = await placed(sql, customer, [[variant, 2]]);
    return {
      sessions: {
        a: cancel(customer, first.id),
        b: changeStatus(one, second, 'pending', 'cancelled'),
      },
      async check({ committed, endings }) {
        expect(committed.every((answer) => answer.success)).toBe(true);
        const back = (endings.a === 'commit' ? 1 : 0) + (endings.b === 'commit' ? 2 : 0);
        const [row] = await sql`
          select available_balance, (select on_hand from stock_levels where variant_id = ${variant}) as stock
          from accounts where user_id = ${customer}`;
        expect(row).toEqual({ available_balance: 2000 + back * 1000, stock: 7 + back });
      },
    };
  });
});

testThatBooksAreInOrder(db);
