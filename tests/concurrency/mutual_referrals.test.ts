import { expect, test } from 'vitest';
import { startCrowd, testThatBooksAreInOrder } from '../support/crowd.ts';
import { rounds } from '../support/rounds.ts';
import {
  changeStatus,
  createCustomer,
  createStaff,
  createVariant,
  place,
  placed,
  refer,
  succeed,
} from '../support/shop.ts';

const { db, crowd } = await startCrowd('mutual_referrals', 16);
const admin = await createStaff(db.sql, 'admin');

test.for(rounds(3))(
  'orders of two customers who referred each other are delivered, cancelled and placed at once, and each commission moves once (round %i)',
  async () => {
    const { sql } = db;
    const people = [
      await createCustomer(sql, { balance: 20_000 }),
      await createCustomer(sql, { balance: 20_000 }),
    ];
    const [anna = '', ben = ''] = people;
    await refer(sql, anna, ben);
    await refer(sql, ben, anna);
    // a variant for each, so that only accounts are shared
    const variants = await Promise.all(
      Array.from({ length: 16 }, () => createVariant(sql, { stock: 10, price: 1000 })),
    );
    const lines = (index: number): [string, number][] => [[variants[index] ?? '', 1]];
    const orders = await Promise.all(
      Array.from({ length: 12 }, (_, i) => placed(sql, i % 2 ? ben : anna, lines(i))),
    );
    for (const order of orders)
      await succeed(sql, changeStatus(admin, order, 'pending', 'processing'));
    const placements = Array.from({ length: 4 }, (_, i) =>
      place(i % 2 ? ben : anna, lines(12 + i)),
    );
    const available = async () =>
      (await sql`select available_balance from accounts where user_id = any (${people})`).map(
        (row) => row.available_balance,
      );

    const delivered = await crowd.race([
      ...orders.map((order) => changeStatus(admin, order, 'processing', 'delivered')),
      ...placements,
    ]);
    expect(delivered.every((answer) => answer.success)).toBe(true);
    // six orders and two more at 1000, six commissions of 5 %
    expect(await available()).toEqual(Array(2).fill(20_000 - 8000 + 6 * 50));

    const undone = await crowd.race([
      ...orders.map((order) => changeStatus(admin, order, 'delivered', 'cancelled')),
      ...placements,
    ]);
    expect(undone.every((answer) => answer.success)).toBe(true);
    expect(await available()).toEqual(Array(2).fill(20_000 - 4000));
  },
);

testThatBooksAreInOrder(db, crowd);
