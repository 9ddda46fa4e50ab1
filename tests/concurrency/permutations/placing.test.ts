import { expect, test } from 'vitest';
import { testThatBooksAreInOrder } from '../../support/crowd.ts';
import { interleave, type Outcome } from '../../support/interleave.ts';
import { BACKEND } from '../../support/sessions.ts';
import {
  adjustStock,
  cancel,
  changeStatus,
  createCustomer,
  createDiscountCode,
  createStaff,
  createVariant,
  freeze,
  place,
  placed,
  requestWithdrawal,
} from '../../support/shop.ts';
import { createTestDatabase } from '../../support/test-database.ts';

const db = await createTestDatabase('permutations_placing');
const admin = await createStaff(db.sql, 'admin');

/** The usual order of events when the second waits for the first. */
const FIRST_WINS = 'a acts, b acts: waits, a commits, b goes on, b commits';
const SECOND_GETS_IT = 'a acts, b acts: waits, a rolls back, b goes on, b commits';

function expectOneSuccess(outcome: Outcome, refusal: string): void {
  expect(outcome.committed.map((answer) => answer.success || answer.error_code).toSorted()).toEqual(
    outcome.committed.length === 1 ? [true] : [refusal, true],
  );
}

const stockOf = async (variant: string) =>
  (await db.sql`select on_hand from stock_levels where variant_id = ${variant}`)[0]
    ?.on_hand as number;
const balanceOf = async (customer: string) =>
  (await db.sql`select available_balance from accounts where user_id = ${customer}`)[0]
    ?.available_balance as number;
const ordersOf = async (...people: string[]) =>
  (await db.sql`select count(*) from orders where user_id = any (${people})`)[0]?.count as number;

test('two placements for the last unit: one has it', async () => {
  const traces = await interleave(db, async (sql) => {
    const variant = await createVariant(sql, { stock: 1 });
    const [one, two] = [
      await createCustomer(sql, { balance: 1000 }),
      await createCustomer(sql, { balance: 1000 }),
    ];
    return {
      sessions: { a: place(one, [[variant, 1]]), b: place(two, [[variant, 1]]) },
      async check(outcome) {
        expectOneSuccess(outcome, 'insufficient_stock');
        expect(await stockOf(variant)).toBe(0);
        expect(await ordersOf(one, two)).toBe(1);
        expect((await balanceOf(one)) + (await balanceOf(two))).toBe(1000);
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('two placements for the last money: one is paid', async () => {
  const traces = await interleave(db, async (sql) => {
    const customer = await createCustomer(sql, { balance: 1500 });
    const [mug, cup] = [
      await createVariant(sql, { stock: 5 }),
      await createVariant(sql, { stock: 5 }),
    ];
    return {
      // of two calls by the customer the second waits for their rate limit already
      sessions: {
        a: place(customer, [[mug, 1]]),
        b: place(BACKEND, [[cup, 1]], { p_user_id: customer }),
      },
      async check(outcome) {
        expectOneSuccess(outcome, 'insufficient_funds');
        expect(await balanceOf(customer)).toBe(500);
        expect((await stockOf(mug)) + (await stockOf(cup))).toBe(9);
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('a withdrawal and a placement for the same money: one of them has it', async () => {
  const traces = await interleave(db, async (sql) => {
    const customer = await createCustomer(sql, { balance: 1500 });
    const variant = await createVariant(sql, { stock: 5 });
    return {
      sessions: { a: requestWithdrawal(customer, 1000), b: place(customer, [[variant, 1]]) },
      async check(outcome) {
        expectOneSuccess(outcome, 'insufficient_funds');
        expect(await balanceOf(customer)).toBe(500);
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
});

test('a placement beside the cancellation that gives its unit back: it has the unit or is told that there is none', async () => {
  const traces = await interleave(db, async (sql) => {
    const variant = await createVariant(sql, { stock: 1 });
    const [owner, buyer] = [
      await createCustomer(sql, { balance: 1000 }),
      await createCustomer(sql, { balance: 1000 }),
    ];
    const order = await placed(sql, owner, [[variant, 1]]);
    return {
      sessions: { a: cancel(owner, order.id), b: place(buyer, [[variant, 1]]) },
      async check({ answer, endings, trace }) {
        expect(answer('a').success).toBe(true);
        const cancelled = endings.a === 'commit';
        const waitedForCommit =
          trace.indexOf('a commits') >= 0 &&
          trace.indexOf('a commits') <
            Math.max(trace.indexOf('b acts'), trace.indexOf('b goes on'));
        expect(answer('b').success || answer('b').error_code).toBe(
          waitedForCommit ? true : 'insufficient_stock',
        );
        const bought = waitedForCommit && endings.b === 'commit';
        expect(await stockOf(variant)).toBe(cancelled && !bought ? 1 : 0);
        expect(await balanceOf(owner)).toBe(cancelled ? 1000 : 0);
        expect(await balanceOf(buyer)).toBe(bought ? 0 : 1000);
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
});

test('a placement beside a status change of another order of the same variants: both happen, neither waits', async () => {
  const traces = await interleave(db, async (sql) => {
    const [mug, cup] = [
      await createVariant(sql, { stock: 5 }),
      await createVariant(sql, { stock: 5 }),
    ];
    const [owner, buyer] = [
      await createCustomer(sql, { balance: 2000 }),
      await createCustomer(sql, { balance: 2000 }),
    ];
    const order = await placed(sql, owner, [
      [mug, 1],
      [cup, 1],
    ]);
    return {
      sessions: {
        a: changeStatus(admin, order, 'pending', 'processing'),
        b: place(buyer, [
          [cup, 1],
          [mug, 1],
        ]),
      },
      async check({ committed, waited, endings }) {
        expect(waited).toEqual([]);
        expect(committed.every((answer) => answer.success)).toBe(true);
        expect(await stockOf(mug)).toBe(endings.b === 'commit' ? 3 : 4);
      },
    };
  });
  expect(traces).toHaveLength(18);
});

test('a placement beside a cancellation by an admin that returns the same variants in opposite order: both happen', async () => {
  const traces = await interleave(db, async (sql) => {
    const [mug, cup] = [
      await createVariant(sql, { stock: 5 }),
      await createVariant(sql, { stock: 5 }),
    ];
    const [owner, buyer] = [
      await createCustomer(sql, { balance: 2000 }),
      await createCustomer(sql, { balance: 2000 }),
    ];
    const order = await placed(sql, owner, [
      [mug, 1],
      [cup, 1],
    ]);
    return {
      sessions: {
        a: changeStatus(admin, order, 'pending', 'cancelled'),
        b: place(buyer, [
          [cup, 1],
          [mug, 1],
        ]),
      },
      async check({ committed, endings }) {
        expect(committed.every((answer) => answer.success)).toBe(true);
        const left = 4 + (endings.a === 'commit' ? 1 : 0) - (endings.b === 'commit' ? 1 : 0);
        expect([await stockOf(mug), await stockOf(cup)]).toEqual([left, left]);
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
});

test('units written off as damaged beside a placement: no unit is taken twice', async () => {
  const traces = await interleave(db, async (sql) => {
    const variant = await createVariant(sql, { stock: 3 });
    const customer = await createCustomer(sql, { balance: 5000 });
    return {
      sessions: {
        a: adjustStock(variant, -2, { p_reason: 'damaged' }),
        b: place(customer, [[variant, 2]]),
      },
      async check({ committed }) {
        expect(committed.filter((answer) => answer.success)).toHaveLength(1);
        for (const loser of committed.filter((answer) => !answer.success)) {
          expect(['insufficient_stock', 'stock_below_zero']).toContain(loser.error_code);
        }
        expect(await stockOf(variant)).toBe(1);
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('a freeze and a placement: what is placed after the freeze is refused', async () => {
  const traces = await interleave(db, async (sql) => {
    const customer = await createCustomer(sql, { balance: 1000 });
    const variant = await createVariant(sql, { stock: 5 });
    return {
      sessions: { a: freeze(customer, true), b: place(customer, [[variant, 1]]) },
      async check({ answer, endings, trace }) {
        const frozenBefore =
          trace.includes('a commits') &&
          trace.indexOf('a commits') <
            Math.max(trace.indexOf('b acts'), trace.indexOf('b goes on'));
        expect(answer('b').success || answer('b').error_code).toBe(
          frozenBefore ? 'account_frozen' : true,
        );
        expect(await stockOf(variant)).toBe(!frozenBefore && endings.b === 'commit' ? 4 : 5);
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
});

test('two placements for the last use of a discount code: one has it', async () => {
  const traces = await interleave(db, async (sql) => {
    const code = await createDiscountCode(sql, { total: 1 });
    const [mug, cup] = [
      await createVariant(sql, { stock: 5 }),
      await createVariant(sql, { stock: 5 }),
    ];
    const [one, two] = [
      await createCustomer(sql, { balance: 1000 }),
      await createCustomer(sql, { balance: 1000 }),
    ];
    return {
      sessions: {
        a: place(one, [[mug, 1]], { p_discount_code: code }),
        b: place(two, [[cup, 1]], { p_discount_code: code }),
      },
      async check(outcome) {
        expectOneSuccess(outcome, 'discount_code_exhausted');
        const [usage] = await sql`
          select u.redemptions from discount_usage u join discount_codes c on c.id = u.discount_code_id where c.code = ${code}`;
        expect(usage).toEqual({ redemptions: 1 });
        expect((await balanceOf(one)) + (await balanceOf(two))).toBe(1100);
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('a price edited in the dashboard beside a placement with p_expected_total: the customer pays what they expect or is refused', async () => {
  await interleave(db, async (sql) => {
    const customer = await createCustomer(sql, { balance: 5000 });
    const variant = await createVariant(sql, { stock: 5, price: 1000 });
    return {
      sessions: {
        a: { statements: `update variants set price_amount = 1200 where id = '${variant}'` },
        b: place(customer, [[variant, 1]], { p_expected_total: 1000 }),
      },
      async check({ answer, endings, trace, waited }) {
        const dearerBefore =
          trace.includes('a commits') && trace.indexOf('a commits') < trace.indexOf('b acts');
        expect(waited).toEqual([]);
        if (dearerBefore) {
          expect(answer('b')).toMatchObject({
            error_code: 'price_changed',
            error_details: { total: 1200, expected: 1000 },
          });
        } else {
          expect(answer('b')).toMatchObject({ success: true, total_amount: 1000 });
        }
        expect(await balanceOf(customer)).toBe(
          !dearerBefore && endings.b === 'commit' ? 4000 : 5000,
        );
      },
    };
  });
});

test('a price edited while a placement waits for the stock does not change what the customer pays', async () => {
  const traces = await interleave(
    db,
    async (sql) => {
      const customer = await createCustomer(sql, { balance: 5000 });
      const variant = await createVariant(sql, { stock: 5, price: 1000 });
      return {
        sessions: {
          a: adjustStock(variant, 10),
          b: place(customer, [[variant, 2]], { p_expected_total: 2000 }),
          c: { statements: `update variants set price_amount = 1 where id = '${variant}'` },
        },
        async check({ answer }) {
          expect(answer('b')).toMatchObject({ success: true, total_amount: 2000 });
          expect([
            ...(await sql`select unit_price_amount, total_price_amount from order_items where variant_id = ${variant}`),
          ]).toEqual([{ unit_price_amount: 1000, total_price_amount: 2000 }]);
          expect(await balanceOf(customer)).toBe(3000);
        },
      };
    },
    [{ order: ['a', 'b', 'c', 'c', 'a', 'b'], endings: {} }],
  );
  expect(traces).toEqual([
    'a acts, b acts: waits, c acts, c commits, a commits, b goes on, b commits',
  ]);
});

testThatBooksAreInOrder(db);
