import { expect, test } from 'vitest';
import type { Sql } from '../../support/connection.ts';
import { testThatBooksAreInOrder } from '../../support/crowd.ts';
import { interleave, type Outcome, overlaps } from '../../support/interleave.ts';
import { BACKEND, type Call } from '../../support/sessions.ts';
import {
  adjustStock,
  changeStatus,
  createCustomer,
  createStaff,
  createVariant,
  createVendor,
  type OrderRef,
  placed,
  succeed,
} from '../../support/shop.ts';
import { createTestDatabase } from '../../support/test-database.ts';

const db = await createTestDatabase('permutations_fulfilment');
const [one, two] = [await createStaff(db.sql, 'admin'), await createStaff(db.sql, 'admin')];

const FIRST_WINS = 'a acts, b acts: waits, a commits, b goes on, b commits';
const SECOND_GETS_IT = 'a acts, b acts: waits, a rolls back, b goes on, b commits';

const lines = (quantity: number) => [{ line_number: 1, quantity }];
const ship = (actor: string, order: OrderRef, quantity?: number): Call => ({
  actor,
  procedure: 'ledger_ship_order',
  args: { p_order_id: order.id, p_lines: quantity === undefined ? undefined : lines(quantity) },
});
const confirm = (actor: string, shipment: string): Call => ({
  actor,
  procedure: 'ledger_confirm_delivery',
  args: { p_shipment_id: shipment },
});
const review = (actor: string, id: string, action: string, extra: Call['args'] = {}): Call => ({
  actor,
  procedure: 'ledger_review_return',
  args: { p_return_id: id, p_action: action, ...extra },
});
const refund = (actor: string, order: OrderRef, quantity: number, restock = false): Call => ({
  actor,
  procedure: 'ledger_refund_order',
  args: { p_order_id: order.id, p_lines: [{ line_number: 1, quantity, restock }] },
});
const askBack = (order: OrderRef, quantity: number): Call => ({
  actor: order.customer,
  procedure: 'ledger_request_return',
  args: { p_order_id: order.id, p_lines: lines(quantity) },
});

/** Three of ten units at 1000, paid out of 5000, in processing. */
async function anOrder(sql: Sql, ...statuses: string[]) {
  const variant = await createVariant(sql, { stock: 10, price: 1000 });
  const order = await placed(sql, await createCustomer(sql, { balance: 5000 }), [[variant, 3]]);
  let from = 'pending';
  for (const to of ['processing', ...statuses]) {
    await succeed(sql, changeStatus(BACKEND, order, from, to));
    from = to;
  }
  return order;
}

/** A delivered order with a return of two of its three units, approved. */
async function aReturn(sql: Sql) {
  const order = await anOrder(sql, 'delivered');
  await succeed(sql, askBack(order, 2));
  const id = await idOf(sql, 'returns', order);
  await succeed(sql, review(BACKEND, id, 'approve'));
  return { order, id };
}

async function idOf(sql: Sql, table: 'returns' | 'shipments', order: OrderRef): Promise<string> {
  const [row] = await sql<{ id: string }[]>`
    select id from ${sql(table)} where order_id = ${order.id} order by id desc limit 1`;
  if (!row) throw new Error(`the order has no ${table}`);
  return row.id;
}

/** What the order, the wallet, the shelf and the parcels say. */
async function stateOf(sql: Sql, order: OrderRef) {
  const [row] = await sql`
    select o.status, a.available_balance as wallet, s.on_hand as stock,
           (select coalesce(sum(l.quantity), 0)::bigint from shipment_lines l where l.order_id = o.id) as shipped,
           (select count(*) from shipments h where h.order_id = o.id and h.delivered_at is not null) as arrived,
           (select coalesce(sum(l.quantity), 0)::bigint from refund_lines l where l.order_id = o.id) as refunded,
           (select coalesce(sum(l.received_quantity), 0)::bigint from return_lines l where l.order_id = o.id) as received
    from orders o
    join accounts a on a.id = o.account_id
    join order_items i on i.order_id = o.id
    join stock_levels s on s.variant_id = i.variant_id
    where o.id = ${order.id}`;
  return row;
}

/** What was committed and refused. */
const refusals = (outcome: Outcome) =>
  outcome.committed.flatMap((answer) => (answer.success ? [] : [answer.error_code]));
const done = (outcome: Outcome, session: string) =>
  outcome.endings[session] === 'commit' && outcome.answer(session).success;
const wins = (outcome: Outcome) => outcome.committed.filter((answer) => answer.success);

test('a delivery that waits for a vendor’s account while the goods it lacks come in: all of them go out, or none', async () => {
  await interleave(
    db,
    async (sql) => {
      const owner = await createCustomer(sql, { balance: 10 });
      const vendor = await createVendor(sql, { owner });
      const variant = await createVariant(sql, { stock: 2, price: 100, vendor });
      await sql`update variants set backorder_allowed = true where id = ${variant}`;
      const order = await placed(sql, await createCustomer(sql, { balance: 5000 }), [[variant, 5]]);
      await succeed(sql, changeStatus(BACKEND, order, 'pending', 'processing'));
      return {
        sessions: {
          a: { statements: `select from accounts where user_id = '${owner}' for update` },
          b: changeStatus(one, order, 'processing', 'delivered'),
          c: adjustStock(variant, 10),
        },
        async check(outcome) {
          const isDelivered = outcome.answer('b').success;
          expect(refusals(outcome).filter((code) => code !== 'units_not_shippable')).toEqual([]);
          expect(await stateOf(sql, order)).toMatchObject(
            isDelivered
              ? { status: 'delivered', shipped: 5 }
              : { status: 'processing', shipped: 0 },
          );
        },
      };
    },
    overlaps(['a', 'b', 'c']),
  );
});

test('two ship all that is left of an order: it goes out once', async () => {
  const traces = await interleave(db, async (sql) => {
    const order = await anOrder(sql);
    return {
      sessions: { a: ship(one, order), b: ship(two, order) },
      async check(outcome) {
        expect(wins(outcome)).toHaveLength(1);
        expect(refusals(outcome).filter((code) => code !== 'invalid_transition')).toEqual([]);
        expect(await stateOf(sql, order)).toMatchObject({ status: 'shipped', shipped: 3 });
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('two ship two of three units each: one does, the other is told how many are left', async () => {
  const traces = await interleave(db, async (sql) => {
    const order = await anOrder(sql);
    return {
      sessions: { a: ship(one, order, 2), b: ship(two, order, 2) },
      async check(outcome) {
        expect(wins(outcome)).toHaveLength(1);
        for (const answer of outcome.committed.filter((answer) => !answer.success)) {
          expect(answer).toMatchObject({
            error_code: 'units_not_shippable',
            error_details: { shippable: 1 },
          });
        }
        expect(await stateOf(sql, order)).toMatchObject({ status: 'processing', shipped: 2 });
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
});

test('a part goes out beside a change of status to delivered: every unit goes out once', async () => {
  const traces = await interleave(db, async (sql) => {
    const order = await anOrder(sql);
    return {
      sessions: {
        a: ship(one, order, 1),
        b: changeStatus(two, order, 'processing', 'delivered'),
      },
      async check(outcome) {
        expect(refusals(outcome).filter((code) => code !== 'invalid_transition')).toEqual([]);
        expect(await stateOf(sql, order)).toMatchObject(
          done(outcome, 'b')
            ? { status: 'delivered', shipped: 3 }
            : { status: 'processing', shipped: 1, arrived: 0 },
        );
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
});

test('two confirm the same delivery: the order is delivered once', async () => {
  const traces = await interleave(db, async (sql) => {
    const order = await anOrder(sql, 'shipped');
    const shipment = await idOf(sql, 'shipments', order);
    return {
      sessions: { a: confirm(one, shipment), b: confirm(two, shipment) },
      async check(outcome) {
        expect(wins(outcome)).toHaveLength(1);
        expect(refusals(outcome).filter((code) => code !== 'shipment_conflict')).toEqual([]);
        expect(await stateOf(sql, order)).toMatchObject({ status: 'delivered', arrived: 1 });
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('the last two parcels arrive at once: whoever comes second delivers the order', async () => {
  const traces = await interleave(db, async (sql) => {
    const order = await anOrder(sql);
    await succeed(sql, ship(BACKEND, order, 1));
    const first = await idOf(sql, 'shipments', order);
    await succeed(sql, ship(BACKEND, order));
    const second = await idOf(sql, 'shipments', order);
    return {
      sessions: { a: confirm(one, first), b: confirm(two, second) },
      async check(outcome) {
        expect(refusals(outcome)).toEqual([]);
        const arrived = outcome.committed.length;
        expect(await stateOf(sql, order)).toMatchObject({
          status: arrived === 2 ? 'delivered' : 'shipped',
          arrived,
        });
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
});

test('an order goes out while it is cancelled: what went out comes back, or nothing goes out', async () => {
  const traces = await interleave(db, async (sql) => {
    const order = await anOrder(sql);
    return {
      sessions: {
        a: ship(one, order),
        b: changeStatus(two, order, 'processing', 'cancelled'),
      },
      async check(outcome) {
        expect(wins(outcome)).toHaveLength(1);
        expect(
          refusals(outcome).filter(
            (code) => code !== 'invalid_transition' && code !== 'status_conflict',
          ),
        ).toEqual([]);
        expect(await stateOf(sql, order)).toMatchObject(
          done(outcome, 'a')
            ? { status: 'shipped', shipped: 3, stock: 7, wallet: 2000 }
            : { status: 'cancelled', shipped: 0, stock: 10, wallet: 5000 },
        );
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('a parcel arrives while its order is cancelled: one of both', async () => {
  await interleave(db, async (sql) => {
    const order = await anOrder(sql, 'shipped');
    const shipment = await idOf(sql, 'shipments', order);
    return {
      sessions: {
        a: confirm(one, shipment),
        b: changeStatus(two, order, 'shipped', 'cancelled'),
      },
      async check(outcome) {
        expect(wins(outcome)).toHaveLength(1);
        expect(await stateOf(sql, order)).toMatchObject(
          done(outcome, 'a')
            ? { status: 'delivered', arrived: 1, stock: 7, wallet: 2000 }
            : { status: 'cancelled', arrived: 0, stock: 10, wallet: 5000 },
        );
      },
    };
  });
});

test('two reviewers receive the same parcel: its money goes back once', async () => {
  const traces = await interleave(db, async (sql) => {
    const { order, id } = await aReturn(sql);
    return {
      sessions: { a: review(one, id, 'receive'), b: review(two, id, 'receive') },
      async check(outcome) {
        expect(wins(outcome)).toHaveLength(1);
        expect(refusals(outcome).filter((code) => code !== 'return_conflict')).toEqual([]);
        expect(await stateOf(sql, order)).toMatchObject({
          wallet: 4000,
          stock: 9,
          refunded: 2,
          received: 2,
        });
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('one approves a return while another rejects it: one of both', async () => {
  const traces = await interleave(db, async (sql) => {
    const order = await anOrder(sql, 'delivered');
    await succeed(sql, askBack(order, 2));
    const id = await idOf(sql, 'returns', order);
    return {
      sessions: {
        a: review(one, id, 'approve'),
        b: review(two, id, 'reject', { p_notes: 'worn' }),
      },
      async check(outcome) {
        expect(wins(outcome)).toHaveLength(1);
        expect(refusals(outcome).filter((code) => code !== 'return_conflict')).toEqual([]);
        const [row] = await sql`select status from returns where id = ${id}`;
        expect(row?.status).toBe(done(outcome, 'a') ? 'approved' : 'rejected');
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
});

test('a return arrives while finance refunds the same units: they are refunded and restocked once', async () => {
  const traces = await interleave(db, async (sql) => {
    const { order, id } = await aReturn(sql);
    return {
      sessions: { a: review(one, id, 'receive'), b: refund(two, order, 2, true) },
      async check(outcome) {
        expect(wins(outcome)).toHaveLength(1);
        expect(
          refusals(outcome).filter(
            (code) => code !== 'units_not_refundable' && code !== 'units_not_returnable',
          ),
        ).toEqual([]);
        expect(await stateOf(sql, order)).toMatchObject({ wallet: 4000, stock: 9, refunded: 2 });
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('goods arrive without their money while finance refunds them: each happens once', async () => {
  const traces = await interleave(db, async (sql) => {
    const { order, id } = await aReturn(sql);
    return {
      sessions: {
        a: review(one, id, 'receive', { p_refund: false }),
        b: refund(two, order, 2),
      },
      async check(outcome) {
        expect(refusals(outcome)).toEqual([]);
        expect(await stateOf(sql, order)).toMatchObject({
          wallet: done(outcome, 'b') ? 4000 : 2000,
          stock: done(outcome, 'a') ? 9 : 7,
          refunded: done(outcome, 'b') ? 2 : 0,
          received: done(outcome, 'a') ? 2 : 0,
        });
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
});

test('a return arrives while the order is refunded whole: no unit and no money comes back twice', async () => {
  const traces = await interleave(db, async (sql) => {
    const { order, id } = await aReturn(sql);
    return {
      sessions: {
        a: review(one, id, 'receive'),
        b: changeStatus(two, order, 'delivered', 'refunded', { p_metadata: { restock: true } }),
      },
      async check(outcome) {
        expect(refusals(outcome).filter((code) => code !== 'return_conflict')).toEqual([]);
        expect(await stateOf(sql, order)).toMatchObject(
          done(outcome, 'b')
            ? { status: 'refunded', wallet: 5000, stock: 10, refunded: 3 }
            : { status: 'delivered', wallet: 4000, stock: 9, refunded: 2 },
        );
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('the customer asks twice to return the same two of three units: one return', async () => {
  const traces = await interleave(db, async (sql) => {
    const order = await anOrder(sql, 'delivered');
    return {
      sessions: { a: askBack(order, 2), b: askBack(order, 2) },
      async check(outcome) {
        expect(wins(outcome)).toHaveLength(1);
        expect(refusals(outcome).filter((code) => code !== 'units_not_returnable')).toEqual([]);
        const [row] = await sql`select count(*) from returns where order_id = ${order.id}`;
        expect(row?.count).toBe(1);
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
});

testThatBooksAreInOrder(db);
