import { expect, test } from 'vitest';
import type { Sql } from '../../support/connection.ts';
import { testThatBooksAreInOrder } from '../../support/crowd.ts';
import { interleave, overlaps } from '../../support/interleave.ts';
import type { Call } from '../../support/sessions.ts';
import {
  adjustStock,
  changeStatus,
  createCustomer,
  createStaff,
  createVariant,
  credit,
  type OrderRef,
  place,
  placed,
  refer,
  succeed,
} from '../../support/shop.ts';
import { createTestDatabase } from '../../support/test-database.ts';

const db = await createTestDatabase('permutations_referrals');
const admin = await createStaff(db.sql, 'admin');

async function inProcessing(sql: Sql, customer: string, variant: string): Promise<OrderRef> {
  const order = await placed(sql, customer, [[variant, 1]]);
  await succeed(sql, changeStatus(admin, order, 'pending', 'processing'));
  return order;
}

const balanceOf = async (customer: string) =>
  (await db.sql`select available_balance from accounts where user_id = ${customer}`)[0]
    ?.available_balance as number;

test('deliveries of two customers who referred each other: both are delivered, both have their commission', async () => {
  const traces = await interleave(db, async (sql) => {
    const variant = await createVariant(sql, { stock: 10 });
    const [anna, ben] = [
      await createCustomer(sql, { balance: 1000 }),
      await createCustomer(sql, { balance: 1000 }),
    ];
    await refer(sql, anna, ben);
    await refer(sql, ben, anna);
    const [hers, his] = [
      await inProcessing(sql, anna, variant),
      await inProcessing(sql, ben, variant),
    ];
    return {
      sessions: {
        a: changeStatus(admin, hers, 'processing', 'delivered'),
        b: changeStatus(admin, his, 'processing', 'delivered'),
      },
      async check({ committed, endings }) {
        expect(committed.every((answer) => answer.success)).toBe(true);
        expect(await balanceOf(ben)).toBe(endings.a === 'commit' ? 50 : 0);
        expect(await balanceOf(anna)).toBe(endings.b === 'commit' ? 50 : 0);
      },
    };
  });
  expect(traces).toContain('a acts, b acts: waits, a commits, b goes on, b commits');
});

test('deliveries of both that wait for the accounts, each for another one first: neither waits in a circle', async () => {
  await interleave(
    db,
    async (sql) => {
      const variant = await createVariant(sql, { stock: 10 });
      const [anna, ben] = [
        await createCustomer(sql, { balance: 1000 }),
        await createCustomer(sql, { balance: 1000 }),
      ];
      await refer(sql, anna, ben);
      await refer(sql, ben, anna);
      const [hers, his] = [
        await inProcessing(sql, anna, variant),
        await inProcessing(sql, ben, variant),
      ];
      return {
        sessions: {
          holdsAnna: credit(anna, 1),
          holdsBen: credit(ben, 1),
          a: changeStatus(admin, hers, 'processing', 'delivered'),
          b: changeStatus(admin, his, 'processing', 'delivered'),
        },
        async check({ committed }) {
          expect(committed.map((answer) => answer.success)).toEqual([true, true, true, true]);
          expect([await balanceOf(anna), await balanceOf(ben)]).toEqual([51, 51]);
        },
      };
    },
    // the order in which the two get on depends on whose id is smaller: both are tried
    ['holdsAnna', 'holdsBen'].flatMap((first) => {
      const second = first === 'holdsAnna' ? 'holdsBen' : 'holdsAnna';
      return [
        ['a', 'b'],
        ['b', 'a'],
      ].flatMap(([one = '', two = '']) =>
        [
          [one, two],
          [two, one],
        ].map((ends) => ({
          order: [first, second, one, two, first, second, ...ends],
          endings: {},
        })),
      );
    }),
  );
});

test('the delivery of a customer beside an order of their referrer: both happen, whoever is first', async () => {
  await interleave(
    db,
    async (sql) => {
      const variant = await createVariant(sql, { stock: 10 });
      const [referrer, customer] = [
        await createCustomer(sql, { balance: 1000 }),
        await createCustomer(sql, { balance: 3000 }),
      ];
      await refer(sql, referrer, customer);
      const order = await inProcessing(sql, customer, variant);
      return {
        sessions: {
          a: changeStatus(admin, order, 'processing', 'delivered'),
          b: place(referrer, [[variant, 1]]),
          c: place(customer, [[variant, 1]]),
        },
        async check({ committed }) {
          expect(committed.map((answer) => answer.success)).toEqual([true, true, true]);
          expect([await balanceOf(referrer), await balanceOf(customer)]).toEqual([50, 1000]);
        },
      };
    },
    overlaps(['a', 'b', 'c']),
  );
});

test('a first order that opens an account beside a delivery that opens it too: neither waits in a circle', async () => {
  const traces = await interleave(
    db,
    async (sql) => {
      const variant = await createVariant(sql, { stock: 10 });
      const [referrer, customer] = [
        await createCustomer(sql),
        await createCustomer(sql, { balance: 3000 }),
      ];
      await refer(sql, referrer, customer);
      const order = await inProcessing(sql, customer, variant);
      return {
        sessions: {
          stock: adjustStock(variant, 1),
          first: place(referrer, [[variant, 1]], { p_payment_method: 'bank_transfer' }),
          next: place(customer, [[variant, 1]]),
          deliver: changeStatus(admin, order, 'processing', 'delivered'),
        },
        async check({ committed }) {
          expect(committed.map((answer) => answer.success)).toEqual([true, true, true, true]);
          expect([await balanceOf(referrer), await balanceOf(customer)]).toEqual([50, 1000]);
        },
      };
    },
    [
      {
        order: ['stock', 'first', 'next', 'deliver', 'stock', 'first', 'next', 'deliver'],
        endings: {},
      },
      {
        order: ['stock', 'first', 'deliver', 'deliver', 'next', 'stock', 'first', 'next'],
        endings: {},
      },
      {
        order: ['first', 'deliver', 'next', 'first', 'next', 'deliver', 'stock', 'stock'],
        endings: {},
      },
      {
        order: ['deliver', 'first', 'next', 'deliver', 'first', 'next', 'stock', 'stock'],
        endings: {},
      },
    ],
  );
  expect(traces).not.toEqual([]);
});

test('a referral that is registered while the first order is being delivered does not stop the delivery', async () => {
  await interleave(
    db,
    async (sql) => {
      const variant = await createVariant(sql, { stock: 10 });
      const [referrer, customer] = [
        await createCustomer(sql),
        await createCustomer(sql, { balance: 3000 }),
      ];
      const [profile] = await sql`select referral_code from profiles where id = ${referrer}`;
      const asOwner = (call: string) => ({
        statements: `select 1 / success::int from public.${call}`,
      });
      const order = `(select id from public.orders where user_id = '${customer}')`;
      return {
        sessions: {
          register: {
            actor: customer,
            procedure: 'ledger_register_referral',
            args: { p_referral_code: profile?.referral_code },
          },
          place: place(customer, [[variant, 1]]),
          process: asOwner(
            `ledger_change_order_status('${customer}', ${order}, 'pending', 'processing', 1000)`,
          ),
          credit: credit(customer, 5),
          deliver: asOwner(
            `ledger_change_order_status('${customer}', ${order}, 'processing', 'delivered', 1000)`,
          ),
        },
        async check() {
          const [state] = await sql`
            select o.status, (select count(*) from referrals where referee_user_id = ${customer}) as referrers
            from orders o where o.user_id = ${customer}`;
          expect(state).toEqual({ status: 'delivered', referrers: 1 });
        },
      };
    },
    [
      {
        order: [
          'register',
          'place',
          'place',
          'process',
          'process',
          'credit',
          'deliver',
          'register',
          'credit',
          'deliver',
        ],
        endings: {},
      },
    ],
  );
});

test('two referral codes at once: the customer has one referrer', async () => {
  const traces = await interleave(db, async (sql) => {
    const customer = await createCustomer(sql);
    const referrers = [await createCustomer(sql), await createCustomer(sql)];
    const [first, second] = await sql`
      select referral_code as code from profiles where id = any (${referrers})`;
    const register = (code: unknown): Call => ({
      actor: customer,
      procedure: 'ledger_register_referral',
      args: { p_referral_code: code },
    });
    return {
      sessions: { a: register(first?.code), b: register(second?.code) },
      async check({ committed }) {
        expect(committed.map((answer) => answer.success || answer.error_code).toSorted()).toEqual(
          committed.length === 1 ? [true] : ['referral_not_allowed', true],
        );
        const [row] = await sql`select count(*) from referrals where referee_user_id = ${customer}`;
        expect(row).toEqual({ count: 1 });
      },
    };
  });
  expect(traces).toContain('a acts, b acts: waits, a commits, b goes on, b commits');
});

testThatBooksAreInOrder(db);
