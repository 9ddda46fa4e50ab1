import { describe, expect, test } from 'vitest';
import { startCrowd, testThatBooksAreInOrder } from '../support/crowd.ts';
import { rounds } from '../support/rounds.ts';
import { createCustomer, createVariant, place } from '../support/shop.ts';

const { db, crowd } = await startCrowd('selling_out', 32);

const PRICE = 1250;
const BALANCE = 10_000;

const customers = (count: number) =>
  Promise.all(Array.from({ length: count }, () => createCustomer(db.sql, { balance: BALANCE })));

/** What is there of a variant, and what became of the rest. */
async function fateOf(variant: string) {
  const [row] = await db.sql`
    select (select on_hand from stock_levels where variant_id = ${variant}) as stock,
           (select count(distinct order_id) from order_items where variant_id = ${variant}) as orders,
           (select count(*) from stock_movements
            where variant_id = ${variant} and reason = 'order_placed') as movements,
           (select coalesce(sum(quantity), 0)::int from order_items where variant_id = ${variant}) as sold`;
  return row;
}

/** How many of these customers have which balance, after how many transactions. */
async function balancesOf(people: string[]) {
  return db.sql`
    select available_balance as balance, version, count(*) as customers
    from accounts where user_id = any (${people}) group by 1, 2 order by 1`.then((rows) => [
    ...rows,
  ]);
}

describe('32 clients at once for 20 in stock', () => {
  test.for(rounds(4))(
    '20 have an order and have paid, 12 are told that 0 are left (round %i)',
    async () => {
      const variant = await createVariant(db.sql, { stock: 20, price: PRICE });
      const people = await customers(32);

      const answers = await crowd.race(people.map((person) => place(person, [[variant, 1]])));

      const refused = answers.filter((answer) => !answer.success);
      expect(refused.map((answer) => [answer.error_code, answer.error_details?.available])).toEqual(
        Array(12).fill(['insufficient_stock', 0]),
      );
      expect(await fateOf(variant)).toEqual({ stock: 0, orders: 20, movements: 20, sold: 20 });
      expect(await balancesOf(people)).toEqual([
        { balance: BALANCE - PRICE, version: 2, customers: 20 },
        { balance: BALANCE, version: 1, customers: 12 },
      ]);
    },
  );

  test.for(rounds(3))(
    'the same variant on two lines counts together: 21 are enough for 10 orders of 1 and 1 (round %i)',
    async () => {
      const variant = await createVariant(db.sql, { stock: 21, price: PRICE });
      const people = await customers(32);

      const answers = await crowd.race(
        people.map((person) =>
          place(person, [
            [variant, 1],
            [variant, 1],
          ]),
        ),
      );

      expect(answers.filter((answer) => answer.success)).toHaveLength(10);
      expect(await fateOf(variant)).toEqual({ stock: 1, orders: 10, movements: 10, sold: 20 });
      expect(await balancesOf(people)).toEqual([
        { balance: BALANCE - 2 * PRICE, version: 2, customers: 10 },
        { balance: BALANCE, version: 1, customers: 22 },
      ]);
    },
  );
});

describe('orders that name the same variants in opposite order', () => {
  test.for(rounds(4))(
    'sell each variant out and wait for each other, never in a circle (round %i)',
    async () => {
      const variants = await Promise.all(
        Array.from({ length: 5 }, () => createVariant(db.sql, { stock: 12, price: 100 })),
      );
      const lines = variants.map((variant): [string, number] => [variant, 1]);
      const people = await customers(32);

      const answers = await crowd.race(
        people.map((person, index) => place(person, index % 2 ? lines : lines.toReversed())),
      );

      expect(answers.filter((answer) => answer.success)).toHaveLength(12);
      for (const variant of variants) {
        expect(await fateOf(variant)).toEqual({ stock: 0, orders: 12, movements: 12, sold: 12 });
      }
      expect(await balancesOf(people)).toEqual([
        { balance: BALANCE - 500, version: 2, customers: 12 },
        { balance: BALANCE, version: 1, customers: 20 },
      ]);
    },
  );
});

testThatBooksAreInOrder(db, crowd);
