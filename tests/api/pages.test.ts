import { expect, test } from 'vitest';
import { createCustomer, place, succeed } from '../support/shop.ts';
import { startShop } from './support.ts';

const shop = await startShop('api_pages');
const { ask, people, variant } = shop;

interface Listed {
  order_id: string;
  status: string;
  total_amount: number;
  created_at: string;
}

/** Follows Link from page to page, and does something in between. */
async function all(who: string, path: string, meanwhile = async () => {}): Promise<Listed[]> {
  const rows: Listed[] = [];
  let next: string | undefined = path;
  while (next !== undefined) {
    const answer = await ask(who, `GET ${next}`);
    expect(answer.status).toBe(200);
    rows.push(...answer.body.items);
    const link = answer.headers.get('link');
    expect(link === null).toBe(answer.body.next_cursor === null);
    next = /^<\/functions\/v1\/api\/v1(.*)>; rel="next"$/.exec(link ?? '')?.[1];
    await meanwhile();
  }
  return rows;
}

const placeOne = (customer: string, units = 1) =>
  succeed(shop.db.sql, place(customer, [[variant, units]]));

test('pages are complete and without duplicates while orders are placed', async () => {
  const customer = await createCustomer(shop.db.sql, { balance: 1_000_000 });
  const before: string[] = [];
  for (let n = 0; n < 25; n += 1) before.push((await placeOne(customer)).order_id ?? '');

  for (const [who, path] of [
    [customer, '/orders?limit=4'],
    ['admin', `/orders/admin?limit=4&customer=${customer}`],
  ] as const) {
    for (const sort of ['newest', 'oldest']) {
      const known = new Set(before);
      const rows = await all(who, `${path}&sort=${sort}`, async () => {
        await Promise.all([placeOne(customer), placeOne(people.other)]);
      });
      const ids = rows.map((row) => row.order_id);
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids.filter((id) => known.has(id))).toEqual(
        sort === 'newest' ? before.toReversed() : before,
      );
    }
  }
});

test('a customer lists their own orders only, staff everybody’s', async () => {
  const mine = await createCustomer(shop.db.sql, { balance: 10_000 });
  const { order_id } = await placeOne(mine);
  await placeOne(people.other);
  expect((await all(mine, '/orders')).map((row) => row.order_id)).toEqual([order_id]);
  expect((await all('admin', '/orders')).length).toBe(0);
  const everybody = await all('warehouse', '/orders/admin');
  expect(everybody.map((row) => row.order_id)).toContain(order_id);
});

test('filters of a list are those of its rows', async () => {
  const customer = await createCustomer(shop.db.sql, { balance: 1_000_000 });
  const ids: string[] = [];
  for (const units of [1, 2, 3, 4]) ids.push((await placeOne(customer, units)).order_id ?? '');
  const [first = '', second = '', third = '', fourth = ''] = ids;
  await ask('admin', `PATCH /orders/${second}/status`, { body: { status: 'confirmed' } });
  await ask('admin', `PATCH /orders/${third}/status`, { body: { status: 'cancelled' } });
  const rows = await all(customer, '/orders?sort=oldest');
  const at = rows.map((row) => encodeURIComponent(row.created_at));
  const { body } = await ask(customer, `GET /orders/${fourth}`);

  for (const [query, expected] of [
    ['status=pending', [first, fourth]],
    ['status=confirmed&status=cancelled', [second, third]],
    ['payment_status=refunded', [third]],
    ['minimum_total=2000&maximum_total=3000', [second, third]],
    [`from=${at[1]}&to=${at[3]}`, [second, third]],
    [`number=${body.order_number}`, [fourth]],
    ['status=shipped', []],
  ] as const) {
    for (const path of ['/orders?', `/orders/admin?customer=${customer}&`]) {
      const who = path === '/orders?' ? customer : 'finance';
      const listed = await all(who, `${path}sort=oldest&${query}`);
      expect(
        listed.map((row) => row.order_id),
        path + query,
      ).toEqual(expected);
    }
  }
});

test('a cursor that is none, or of another order, is refused', async () => {
  const customer = await createCustomer(shop.db.sql, { balance: 10_000 });
  await placeOne(customer);
  await placeOne(customer);
  const { body } = await ask(customer, 'GET /orders?limit=1');
  for (const query of [
    'after=nothing',
    'after=e30',
    `after=${body.next_cursor}x`,
    `sort=oldest&after=${body.next_cursor}`,
  ]) {
    const { status, body: problem } = await ask(customer, `GET /orders?${query}`);
    expect([status, problem.errors?.[0].path], query).toEqual([400, '/after']);
  }
});

test('a page is read by an index, however many orders there are', async () => {
  const customer = await createCustomer(shop.db.sql, { balance: 10_000 });
  await placeOne(customer);
  for (const [userId, where, index] of [
    [customer, `where user_id = '${customer}'`, 'orders_by_customer'],
    [people.admin, '', 'orders_pkey'],
  ] as const) {
    const plan = await shop.db.as({ userId }, async (sql) => {
      // a table of a few rows is read in other ways
      await sql`set local enable_seqscan = off`;
      await sql`set local enable_bitmapscan = off`;
      const rows = await sql.unsafe(
        `explain select order_id from order_management ${where} order by order_id desc limit 51`,
      );
      return rows.map((row) => row['QUERY PLAN']).join('\n');
    });
    expect(plan).toContain(` using ${index} `);
    expect(plan).not.toContain('Sort');
  }
});
