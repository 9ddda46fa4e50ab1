import { expect, test } from 'vitest';
import { startCrowd, testThatBooksAreInOrder } from '../support/crowd.ts';
import { rounds } from '../support/rounds.ts';
import { BACKEND } from '../support/sessions.ts';
import {
  createCustomer,
  createVariant,
  credit,
  place,
  requestWithdrawal,
} from '../support/shop.ts';

const { db, crowd } = await startCrowd('one_wallet', 16);
const mug = await createVariant(db.sql, { stock: 1_000_000, price: 1000 });

const times = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, i) => make(i));

/**
 * Every other one by the backend in the customer's name: a customer's own calls queue at their rate
 * limit before they reach the account.
 */
const order = (customer: string, index: number, extra: Record<string, unknown> = {}) =>
  index % 2
    ? place(BACKEND, [[mug, 1]], { p_user_id: customer, ...extra })
    : place(customer, [[mug, 1]], extra);

async function accountOf(customer: string) {
  const [row] = await db.sql`
    select total_earned, total_pending_withdrawals, total_orders, available_balance, version
    from accounts where user_id = ${customer}`;
  return row;
}

test.for(rounds(5))(
  'a customer in two browsers with money for one order has one order (round %i)',
  async () => {
    const customer = await createCustomer(db.sql, { balance: 1999 });

    const answers = await crowd.race(times(2, () => place(customer, [[mug, 1]])));

    expect(answers.map((answer) => answer.error_code).sort()).toEqual(['insufficient_funds', null]);
    expect(await accountOf(customer)).toEqual({
      total_earned: 1999,
      total_pending_withdrawals: 0,
      total_orders: 1000,
      available_balance: 999,
      version: 2,
    });
  },
);

test.for(rounds(3))(
  'sixteen orders at once of a customer with money for five are five (round %i)',
  async () => {
    const customer = await createCustomer(db.sql, { balance: 5000 });

    const answers = await crowd.race(times(16, (i) => order(customer, i)));

    expect(answers.filter((answer) => answer.success)).toHaveLength(5);
    expect(await accountOf(customer)).toMatchObject({
      total_orders: 5000,
      available_balance: 0,
      version: 6,
    });
  },
);

test.for(rounds(3))('money is spent or withdrawn, not both (round %i)', async () => {
  const customer = await createCustomer(db.sql, { balance: 3000 });

  const answers = await crowd.race(
    times(16, (i) => (i % 4 < 2 ? order(customer, i) : requestWithdrawal(customer, 1000))),
  );

  expect(answers.filter((answer) => answer.success)).toHaveLength(3);
  expect(answers.filter((answer) => answer.error_code === 'insufficient_funds')).toHaveLength(13);
  const account = await accountOf(customer);
  expect(account?.total_orders + account?.total_pending_withdrawals).toBe(3000);
  expect(account).toMatchObject({ available_balance: 0, version: 4 });
});

test.for(rounds(3))(
  'what wallet_partial takes by default is never more than there is (round %i)',
  async () => {
    const customer = await createCustomer(db.sql, { balance: 2500 });

    const answers = await crowd.race(
      times(16, (i) => order(customer, i, { p_payment_method: 'wallet_partial' })),
    );

    expect(answers.map((answer) => answer.wallet_amount).sort()).toEqual(
      [...Array(13).fill(0), 1000, 1000, 500].sort(),
    );
    expect(await accountOf(customer)).toMatchObject({
      total_orders: 2500,
      available_balance: 0,
      version: 17,
    });
  },
);

test.for(rounds(3))(
  'first orders of a customer without an account open one account (round %i)',
  async () => {
    const customer = await createCustomer(db.sql);

    const answers = await crowd.race(
      times(16, (i) =>
        i % 4 === 3
          ? credit(customer, 100)
          : order(customer, i, { p_payment_method: 'bank_transfer' }),
      ),
    );

    expect(answers.every((answer) => answer.success)).toBe(true);
    expect(await accountOf(customer)).toEqual({
      total_earned: 400,
      total_pending_withdrawals: 0,
      total_orders: 0,
      available_balance: 400,
      version: 16,
    });
    const [orders] = await db.sql`
    select count(*) as orders, sum(amount_due)::int as due from orders where user_id = ${customer}`;
    expect(orders).toEqual({ orders: 12, due: 12_000 });
  },
);

test.for(rounds(3))(
  'credits beside orders are all there, and the versions count them without a gap (round %i)',
  async () => {
    const customer = await createCustomer(db.sql, { balance: 8000 });

    const answers = await crowd.race(
      times(16, (i) => (i % 4 < 2 ? order(customer, i) : credit(customer, 7))),
    );

    expect(answers.every((answer) => answer.success)).toBe(true);
    expect(await accountOf(customer)).toMatchObject({ available_balance: 8 * 7, version: 17 });
    const ledger = await db.sql`
    select t.account_version, t.balance_after - sum(t.amount) over (order by t.account_version) as difference
    from transactions t join accounts a on a.id = t.account_id
    where a.user_id = ${customer} order by t.account_version`;
    expect(ledger.map((row) => [row.account_version, Number(row.difference)])).toEqual(
      times(17, (i) => [i + 1, 0]),
    );
  },
);

testThatBooksAreInOrder(db, crowd);
