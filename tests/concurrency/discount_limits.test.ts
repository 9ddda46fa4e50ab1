import { expect, test } from 'vitest';
import { startCrowd, testThatBooksAreInOrder } from '../support/crowd.ts';
import { rounds } from '../support/rounds.ts';
import { BACKEND } from '../support/sessions.ts';
import {
  cancel,
  createCustomer,
  createDiscountCode,
  createVariant,
  place,
  placed,
} from '../support/shop.ts';

const SIZE = 16;
const { db, crowd } = await startCrowd('discount_limits', SIZE);
// a variant for each, so that nobody waits for another one's stock
const mugs = await Promise.all(
  Array.from({ length: SIZE }, () => createVariant(db.sql, { stock: 1_000_000, price: 1000 })),
);
const mug = (index: number): [variant: string, quantity: number][] => [[mugs[index] ?? '', 1]];

const customers = (count: number) =>
  Promise.all(Array.from({ length: count }, () => createCustomer(db.sql, { balance: 20_000 })));

/** Every other one by the backend in the customer's name, which is not held up by their rate limit. */
const order = (customer: string, index: number, extra: Record<string, unknown>) =>
  index % 2
    ? place(BACKEND, mug(index), { p_user_id: customer, ...extra })
    : place(customer, mug(index), extra);

async function usesOf(code: string) {
  const [row] = await db.sql`
    select (select redemptions from discount_usage u where u.discount_code_id = c.id) as counted,
           (select count(*) from discount_redemptions r
            where r.discount_code_id = c.id and r.released_at is null) as redeemed,
           (select count(*) from orders o
            where o.discount_code_id = c.id and o.discount_amount = 100 and o.status = 'pending') as orders
    from discount_codes c where c.code = ${code}`;
  return row;
}

test.for(rounds(3))(
  'of 16 customers at once 5 use a code that is good for 5 (round %i)',
  async () => {
    const code = await createDiscountCode(db.sql, { total: 5 });
    const people = await customers(SIZE);

    const answers = await crowd.race(
      people.map((person, i) => place(person, mug(i), { p_discount_code: code })),
    );

    expect(answers.filter((answer) => answer.success).map((answer) => answer.total_amount)).toEqual(
      Array(5).fill(900),
    );
    expect(
      answers.filter((answer) => answer.error_code === 'discount_code_exhausted'),
    ).toHaveLength(11);
    expect(await usesOf(code)).toEqual({ counted: 5, redeemed: 5, orders: 5 });
  },
);

test.for(rounds(3))(
  'of 16 orders of one customer 2 use a code that is good for 2 each (round %i)',
  async () => {
    const code = await createDiscountCode(db.sql, { perCustomer: 2 });
    const [customer = ''] = await customers(1);

    const answers = await crowd.race(
      Array.from({ length: SIZE }, (_, i) => order(customer, i, { p_discount_code: code })),
    );

    expect(answers.filter((answer) => answer.success)).toHaveLength(2);
    expect(
      answers.filter((answer) => answer.error_code === 'discount_code_already_used'),
    ).toHaveLength(14);
    expect(await usesOf(code)).toEqual({ counted: 2, redeemed: 2, orders: 2 });
  },
);

test.for(rounds(3))(
  'the limit for each holds for a customer without an account (round %i)',
  async () => {
    const code = await createDiscountCode(db.sql, { perCustomer: 1 });
    const customer = await createCustomer(db.sql);

    const answers = await crowd.race(
      Array.from({ length: SIZE }, (_, i) =>
        order(customer, i, { p_discount_code: code, p_payment_method: 'bank_transfer' }),
      ),
    );

    expect(answers.filter((answer) => answer.success)).toHaveLength(1);
    expect(await usesOf(code)).toEqual({ counted: 1, redeemed: 1, orders: 1 });
  },
);

test.for(rounds(3))(
  'uses that cancellations give back are used again, and never one too many (round %i)',
  async () => {
    const code = await createDiscountCode(db.sql, { total: 8 });
    const people = await customers(SIZE);
    const first = [];
    for (const [i, person] of people.slice(0, 8).entries()) {
      first.push(await placed(db.sql, person, mug(i), { p_discount_code: code }));
    }

    const answers = await crowd.race([
      ...first.map((order) => cancel(order.customer, order.id)),
      ...people.slice(8).map((person, i) => place(person, mug(8 + i), { p_discount_code: code })),
    ]);

    expect(answers.slice(0, 8).every((answer) => answer.success)).toBe(true);
    const used = answers.slice(8).filter((answer) => answer.success).length;
    expect(await usesOf(code)).toEqual({ counted: used, redeemed: used, orders: used });
    const refusals = answers.slice(8).flatMap((answer) => answer.error_code ?? []);
    expect(refusals).toEqual(Array(8 - used).fill('discount_code_exhausted'));
  },
);

testThatBooksAreInOrder(db, crowd);
