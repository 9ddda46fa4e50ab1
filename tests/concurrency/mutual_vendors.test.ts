import { expect, test } from 'vitest';
import { startCrowd, testThatBooksAreInOrder } from '../support/crowd.ts';
import { rounds } from '../support/rounds.ts';
import { type Call, perform } from '../support/sessions.ts';
import {
  changeStatus,
  createCustomer,
  createStaff,
  createVariant,
  createVendor,
  credit,
  type OrderRef,
  place,
  placed,
  refer,
  signUp,
  succeed,
} from '../support/shop.ts';

const { db, crowd } = await startCrowd('mutual_vendors', 16);
const admin = await createStaff(db.sql, 'admin');

const refund = (order: OrderRef, line: number, quantity: number): Call => ({
  actor: admin,
  procedure: 'ledger_refund_order',
  args: { p_order_id: order.id, p_lines: [{ line_number: line, quantity }] },
});

const available = async (people: string[]) =>
  (
    await db.sql`
      select coalesce(a.available_balance, 0) as available
      from unnest(${people}::uuid[]) with ordinality p (user_id, position)
      left join accounts a on a.user_id = p.user_id
      order by p.position`
  ).map((row) => row.available);

test.for(rounds(3))(
  'orders of two vendors who buy from each other, from themselves and from a third are delivered, refunded and placed at once, and each share moves once (round %i)',
  async () => {
    const { sql } = db;
    const anna = await createCustomer(sql, { balance: 40_000 });
    const ben = await createCustomer(sql, { balance: 40_000 });
    // the third has no account before the first delivery
    const cora = await signUp(sql);
    const people = [anna, ben, cora];
    await refer(sql, anna, ben);
    await refer(sql, ben, anna);
    const vendors = await Promise.all(
      people.map((owner) => createVendor(sql, { owner, rateBp: 1000 })),
    );
    // goods of each vendor for each order, so that only accounts are shared
    const goods = await Promise.all(
      Array.from({ length: 16 }, () =>
        Promise.all(
          vendors.map((vendor) => createVariant(sql, { stock: 10, price: 1000, vendor })),
        ),
      ),
    );
    const lines = (index: number) =>
      (goods[index] ?? []).map((variant): [string, number] => [variant, 1]);
    const orders = await Promise.all(
      Array.from({ length: 12 }, (_, i) => placed(sql, i % 2 ? ben : anna, lines(i))),
    );
    for (const order of orders)
      await succeed(sql, changeStatus(admin, order, 'pending', 'processing'));
    const others = [
      ...[12, 13].map((i) => place(i % 2 ? ben : anna, lines(i))),
      ...people.slice(0, 2).map((person) => credit(person, 100)),
    ];

    const delivered = await crowd.race([
      ...orders.map((order) => changeStatus(admin, order, 'processing', 'delivered')),
      ...others,
    ]);
    expect(delivered.filter((answer) => !answer.success)).toEqual([]);
    // twelve orders of 3000: a share of 900 to each of the three, a commission of 150 to the other one
    const spent = 7 * 3000;
    const earned = 12 * 900 + 6 * 150;
    expect(await available(people)).toEqual([
      40_000 - spent + earned + 100,
      40_000 - spent + earned + 100,
      12 * 900,
    ]);

    // a line of each vendor goes back, from three sides at once
    const [first, second, third, fourth] = orders as [OrderRef, OrderRef, OrderRef, OrderRef];
    const refunded = await crowd.race(
      [first, second, third, fourth].flatMap((order) =>
        [1, 2, 3].map((line) => refund(order, line, 1)),
      ),
    );
    expect(refunded.filter((answer) => !answer.success)).toEqual([]);
    expect(await sql`select status from orders where id in ${sql([first.id, fourth.id])}`).toEqual([
      { status: 'refunded' },
      { status: 'refunded' },
    ]);

    const undone = await crowd.race(
      orders.slice(4).map((order) => changeStatus(admin, order, 'delivered', 'cancelled')),
    );
    expect(undone.filter((answer) => !answer.success)).toEqual([]);
    expect(await available(people)).toEqual([40_000 - 3000 + 100, 40_000 - 3000 + 100, 0]);
  },
);

test.for(rounds(3))(
  'of two refunds of the same unit at once one is made, and the share goes back once (round %i)',
  async () => {
    const { sql } = db;
    const owner = await signUp(sql);
    const customer = await createCustomer(sql, { balance: 10_000 });
    const vendor = await createVendor(sql, { owner });
    const variant = await createVariant(sql, { stock: 10, price: 1000, vendor });
    const order = await placed(sql, customer, [[variant, 2]]);
    await succeed(sql, changeStatus(admin, order, 'pending', 'processing'));
    await succeed(sql, changeStatus(admin, order, 'processing', 'delivered'));

    const answers = await crowd.race([refund(order, 1, 2), refund(order, 1, 2)]);
    expect(answers.map((answer) => answer.success).sort()).toEqual([false, true]);
    expect(await available([owner, customer])).toEqual([0, 10_000]);
    const connection = await sql.reserve();
    const again = await perform(connection, refund(order, 1, 1));
    connection.release();
    expect(again.success).toBe(false);
  },
);

test.for(rounds(3))(
  'lists of the same orders, one the other way round, are delivered at once with each of them, and then refunded (round %i)',
  async () => {
    const { sql } = db;
    const people = [
      await createCustomer(sql, { balance: 10_000 }),
      await createCustomer(sql, { balance: 10_000 }),
    ];
    const [anna = '', ben = ''] = people;
    const [annas, bens] = [
      await createVendor(sql, { owner: anna }),
      await createVendor(sql, { owner: ben }),
    ];
    const orders: OrderRef[] = [];
    for (const [customer, vendor] of [
      [anna, bens],
      [ben, annas],
      [anna, annas],
      [ben, bens],
      [anna, bens],
      [ben, annas],
    ] as const) {
      const variant = await createVariant(sql, { stock: 1, price: 1000, vendor });
      orders.push(await placed(sql, customer, [[variant, 1]]));
    }
    for (const order of orders)
      await succeed(sql, changeStatus(admin, order, 'pending', 'processing'));
    const bulk = (list: OrderRef[], status: string): Call => ({
      actor: admin,
      procedure: 'ledger_bulk_change_status',
      args: { p_order_ids: `{${list.map(({ id }) => id).join()}}`, p_new_status: status },
    });
    const allTo = async (from: string, to: string) => {
      await crowd.race([
        bulk(orders, to),
        bulk(orders.toReversed(), to),
        ...orders.map((order) => changeStatus(admin, order, from, to)),
      ]);
      expect(await sql`select distinct status from orders where user_id in ${sql(people)}`).toEqual(
        [{ status: to }],
      );
    };

    await allTo('processing', 'delivered');
    expect(await available(people)).toEqual([10_000 - 3000 + 2700, 10_000 - 3000 + 2700]);
    await allTo('delivered', 'refunded');
    expect(await available(people)).toEqual([10_000, 10_000]);
  },
);

testThatBooksAreInOrder(db, crowd);
