import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { testThatBooksAreInOrder } from '../../support/crowd.ts';
import { interleave } from '../../support/interleave.ts';
import { createCustomer, createVariant, credit, place } from '../../support/shop.ts';
import { createTestDatabase } from '../../support/test-database.ts';

const db = await createTestDatabase('permutations_same_key');

const FIRST_WINS = 'a acts, b acts: waits, a commits, b goes on, b commits';
const SECOND_GETS_IT = 'a acts, b acts: waits, a rolls back, b goes on, b commits';

test('the same order with the same key twice: one order, and both read the same answer', async () => {
  const traces = await interleave(db, async (sql) => {
    const customer = await createCustomer(sql, { balance: 5000 });
    const variant = await createVariant(sql, { stock: 5 });
    const call = place(customer, [[variant, 1]], { p_idempotency_key: randomUUID() });
    return {
      sessions: { a: call, b: call },
      async check({ committed }) {
        expect(committed.every((answer) => answer.success)).toBe(true);
        expect(committed).toEqual(Array(committed.length).fill(committed[0]));
        const [row] = await sql`
          select (select count(*) from orders where user_id = ${customer}) as orders, available_balance,
                 (select on_hand from stock_levels where variant_id = ${variant}) as stock
          from accounts where user_id = ${customer}`;
        expect(row).toEqual({ orders: 1, available_balance: 4000, stock: 4 });
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('other arguments with the same key: refused when the first is committed, carried out when it is not', async () => {
  const traces = await interleave(db, async (sql) => {
    const customer = await createCustomer(sql);
    const key = { p_idempotency_key: randomUUID() };
    return {
      sessions: { a: credit(customer, 100, key), b: credit(customer, 30, key) },
      async check({ committed }) {
        expect(committed.map((answer) => answer.success || answer.error_code).toSorted()).toEqual(
          committed.length === 1 ? [true] : ['idempotency_conflict', true],
        );
        const [account] =
          await sql`select available_balance, version from accounts where user_id = ${customer}`;
        expect(account).toEqual({
          available_balance: committed.find((answer) => answer.success)?.available_balance,
          version: 1,
        });
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('a refusal is not stored: the second call with the key of a refused one is carried out', async () => {
  await interleave(
    db,
    async (sql) => {
      const customer = await createCustomer(sql);
      const variant = await createVariant(sql, { stock: 5 });
      const order = place(customer, [[variant, 1]], { p_idempotency_key: randomUUID() });
      return {
        sessions: { a: order, b: credit(customer, 5000), c: order },
        check({ answer }) {
          expect(answer('a').error_code).toBe('insufficient_funds');
          expect(answer('c').success).toBe(true);
        },
      };
    },
    [
      { order: ['a', 'a', 'b', 'b', 'c', 'c'], endings: {} },
      { order: ['a', 'b', 'c', 'b', 'a', 'c'], endings: {} },
    ],
  );
});

testThatBooksAreInOrder(db);
