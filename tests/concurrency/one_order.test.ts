import { expect, test } from 'vitest';
import { startCrowd, testThatBooksAreInOrder } from '../support/crowd.ts';
import { rounds } from '../support/rounds.ts';
import type { Answer } from '../support/sessions.ts';
import {
  cancel,
  cancelWithdrawal,
  changeStatus,
  createCustomer,
  createStaff,
  createVariant,
  placed,
  refer,
  requestWithdrawal,
  reviewWithdrawal,
  succeed,
} from '../support/shop.ts';

const { db, crowd } = await startCrowd('one_order', 12);
const admins = await Promise.all(Array.from({ length: 12 }, () => createStaff(db.sql, 'admin')));
const admin = (index: number) => admins[index % admins.length] ?? '';

const successes = (answers: Answer[]) => answers.filter((answer) => answer.success);
const codes = (answers: Answer[]) => [
  ...new Set(answers.flatMap((answer) => answer.error_code ?? [])),
];

/** The order, its customer's money and its goods, as they are now. */
async function stateOf(orderId: string) {
  const [row] = await db.sql`
    select o.status, a.total_orders, a.available_balance, s.on_hand,
           (select count(*) from transactions t where t.order_id = o.id) as transactions
    from orders o join accounts a on a.id = o.account_id
    join order_items i on i.order_id = o.id join stock_levels s on s.variant_id = i.variant_id
    where o.id = ${orderId}`;
  return row;
}

async function anOrder() {
  const variant = await createVariant(db.sql, { stock: 10, price: 1000 });
  return placed(db.sql, await createCustomer(db.sql, { balance: 5000 }), [[variant, 3]]);
}

test.for(rounds(3))(
  'of two admins on one order one wins and the other reads status_conflict (round %i)',
  async () => {
    const order = await anOrder();

    const answers = await crowd.race([
      changeStatus(admin(0), order, 'pending', 'confirmed'),
      changeStatus(admin(1), order, 'pending', 'rejected'),
    ]);

    const [winner] = successes(answers);
    expect(successes(answers)).toHaveLength(1);
    expect(codes(answers)).toEqual(['status_conflict']);
    expect(await stateOf(order.id)).toEqual({
      status: winner?.order_status,
      total_orders: 3000,
      available_balance: 2000,
      on_hand: 7,
      transactions: 2,
    });
  },
);

test.for(rounds(3))(
  'twelve admins who cancel one order give its money and goods back once (round %i)',
  async () => {
    const order = await anOrder();

    const answers = await crowd.race(
      admins.map((one) => changeStatus(one, order, 'pending', 'cancelled')),
    );

    expect(successes(answers)).toHaveLength(1);
    expect(codes(answers)).toEqual(['status_conflict']);
    expect(await stateOf(order.id)).toEqual({
      status: 'cancelled',
      total_orders: 0,
      available_balance: 5000,
      on_hand: 10,
      transactions: 2,
    });
  },
);

test.for(rounds(3))(
  'a customer who cancels in six browsers beside six admins who process it (round %i)',
  async () => {
    const order = await anOrder();

    const answers = await crowd.race(
      Array.from({ length: 12 }, (_, i) =>
        i % 2
          ? cancel(order.customer, order.id)
          : changeStatus(admin(i), order, 'pending', 'processing'),
      ),
    );

    const [winner] = successes(answers);
    expect(successes(answers)).toHaveLength(1);
    expect(await stateOf(order.id)).toEqual(
      winner?.order_status === 'cancelled'
        ? {
            status: 'cancelled',
            total_orders: 0,
            available_balance: 5000,
            on_hand: 10,
            transactions: 2,
          }
        : {
            status: 'processing',
            total_orders: 3000,
            available_balance: 2000,
            on_hand: 7,
            transactions: 2,
          },
    );
  },
);

test.for(rounds(3))(
  'a delivered order that is cancelled and refunded at once pays back once, and its commission is taken back once (round %i)',
  async () => {
    const variant = await createVariant(db.sql, { stock: 10, price: 1000 });
    const referrer = await createCustomer(db.sql);
    const customer = await createCustomer(db.sql, { balance: 5000 });
    await refer(db.sql, referrer, customer);
    const order = await placed(db.sql, customer, [[variant, 3]]);
    await succeed(db.sql, changeStatus(admin(0), order, 'pending', 'processing'));
    await succeed(db.sql, changeStatus(admin(0), order, 'processing', 'delivered'));

    const answers = await crowd.race(
      admins.map((one, i) =>
        changeStatus(one, order, 'delivered', i % 2 ? 'cancelled' : 'refunded'),
      ),
    );

    expect(successes(answers)).toHaveLength(1);
    expect(await stateOf(order.id)).toEqual({
      status: successes(answers)[0]?.order_status,
      total_orders: 0,
      available_balance: 5000,
      on_hand: 7,
      transactions: 4,
    });
    const earned = await db.sql`
    select t.type, t.amount from transactions t join accounts a on a.id = t.account_id
    where a.user_id = ${referrer} order by t.account_version`;
    expect([...earned]).toEqual([
      { type: 'commission_earned', amount: 150 },
      { type: 'commission_clawed_back', amount: -150 },
    ]);
  },
);

test.for(rounds(3))(
  'of twelve who approve, reject or take back one withdrawal one wins (round %i)',
  async () => {
    const customer = await createCustomer(db.sql, { balance: 5000 });
    const { withdrawal_id: id = '' } = await succeed(db.sql, requestWithdrawal(customer, 4000));

    const answers = await crowd.race(
      Array.from({ length: 12 }, (_, i) =>
        i % 3 === 0
          ? cancelWithdrawal(customer, id)
          : reviewWithdrawal(admin(i), id, i % 3 === 1 ? 'approve' : 'reject'),
      ),
    );

    // an approved one may still be rejected, so the last word counts
    const [withdrawal] = await db.sql`
    select w.status, a.total_pending_withdrawals as pending, a.available_balance as available
    from withdrawals w join accounts a on a.id = w.account_id where w.id = ${id}`;
    expect(codes(answers)).toEqual(['withdrawal_conflict']);
    const outcomes = successes(answers)
      .map((answer) => answer.status)
      .sort();
    expect([['cancelled'], ['rejected'], ['approved'], ['approved', 'rejected']]).toContainEqual(
      outcomes,
    );
    expect(withdrawal).toEqual(
      outcomes.at(-1) === 'approved'
        ? { status: 'approved', pending: 4000, available: 1000 }
        : { status: outcomes.at(-1), pending: 0, available: 5000 },
    );
  },
);

test.for(rounds(3))('an approved withdrawal is paid once or rejected once (round %i)', async () => {
  const customer = await createCustomer(db.sql, { balance: 5000 });
  const { withdrawal_id: id = '' } = await succeed(db.sql, requestWithdrawal(customer, 4000));
  await succeed(db.sql, reviewWithdrawal(admin(0), id, 'approve'));

  const answers = await crowd.race(
    admins.map((one, i) => reviewWithdrawal(one, id, i % 2 ? 'mark_paid' : 'reject')),
  );

  const [winner] = successes(answers);
  expect(successes(answers)).toHaveLength(1);
  expect(codes(answers)).toEqual(['withdrawal_conflict']);
  const [account] = await db.sql`
    select total_withdrawn, total_pending_withdrawals, available_balance from accounts where user_id = ${customer}`;
  expect(account).toEqual(
    winner?.status === 'paid'
      ? { total_withdrawn: 4000, total_pending_withdrawals: 0, available_balance: 1000 }
      : { total_withdrawn: 0, total_pending_withdrawals: 0, available_balance: 5000 },
  );
});

testThatBooksAreInOrder(db, crowd);
