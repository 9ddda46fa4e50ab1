import type { Customer } from '../world/world.ts';
import {
  type Case,
  call,
  pick,
  type Row,
  refusal,
  type Shop,
  type Statement,
  type Work,
} from './case.ts';
import { placeWork, spreadBasket } from './place.ts';

const against = ['single_row', 'transfer', 'tpcb'];
const READERS = 40;
const ORDERS_EACH = 50;

/** Milliseconds, for a moment that is later subtracted from another one. */
const now = '(extract(epoch from clock_timestamp()) * 1000)::float8 as now';

/** A query as a signed-in customer asks it: role and claims first, all in one transaction. */
export function asCustomer(userId: string, query: Statement): Statement[] {
  const claims = JSON.stringify({ sub: userId, role: 'authenticated' });
  return [
    { text: 'begin', values: [] },
    {
      text: `select set_config('request.jwt.claims', $1, true), set_config('role', 'authenticated', true), ${now}`,
      values: [claims],
    },
    query,
    { text: `select ${now}`, values: [] },
    { text: 'commit', values: [] },
  ];
}

const QUERY = 2;

function databaseTime(rows: Row[][]): number {
  return Number(rows[QUERY + 1]?.[0]?.now) - Number(rows[1]?.[0]?.now);
}

/** The first customers, each with some pages of orders. */
async function readers(shop: Shop): Promise<Customer[]> {
  const people = shop.world.people.slice(0, READERS);
  const counts = await shop.sql<{ user_id: string; count: number }[]>`
    select o.user_id, count(*)::int as count from public.orders o
    where o.user_id = any (${people.map(({ id }) => id)}::uuid[]) group by o.user_id`;
  const has = new Map(counts.map(({ user_id, count }) => [user_id, count]));
  const missing = people.flatMap(({ id }) =>
    Array.from({ length: Math.max(0, ORDERS_EACH - (has.get(id) ?? 0)) }, () => id),
  );
  const work = placeWork(missing.length, (index) => ({
    ...spreadBasket(shop, index, 3),
    userId: missing[index] ?? '',
  }));
  await shop.run(work, missing.length);
  return people;
}

/** A page that must come back full. */
const page = (name: string, title: string, query: string, length: number): Case => ({
  name,
  title,
  operations: 4000,
  against,
  onlyReads: true,
  async prepare(shop) {
    const people = await readers(shop);
    return {
      operation: (index) => asCustomer(pick(people, index).id, { text: query, values: [length] }),
      complaint(rows) {
        const found = rows[QUERY]?.length;
        return found === length ? undefined : `the page has ${found} rows and not ${length}`;
      },
      databaseTime,
      moves: {},
    };
  },
});

const tracking: Case = {
  name: 'order_tracking',
  title: 'A customer asks where one of their orders is.',
  operations: 4000,
  against,
  onlyReads: true,
  async prepare(shop): Promise<Work> {
    const people = await readers(shop);
    const orders = await shop.sql<{ id: string; user_id: string }[]>`
      select o.id, o.user_id
      from unnest(${people.map(({ id }) => id)}::uuid[]) u (id)
      cross join lateral (
        select o.id, o.user_id from public.orders o where o.user_id = u.id order by o.id desc limit 20) o
      order by o.id`;
    return {
      operation(index) {
        const order = pick(orders, index);
        return asCustomer(order.user_id, call('order_tracking', { p_order_id: order.id }));
      },
      complaint: (rows) => refusal([rows[QUERY] ?? []]),
      databaseTime,
      moves: {},
    };
  },
};

export const readCases: Case[] = [
  page(
    'order_list',
    'A customer reads the first page of 20 of their orders, newest first.',
    'select * from public.customer_orders order by order_id desc limit $1',
    20,
  ),
  tracking,
  page(
    'statement_page',
    'A customer reads the first page of 50 of their transactions, newest first.',
    'select * from public.transactions order by account_version desc limit $1',
    50,
  ),
];
