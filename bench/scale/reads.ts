import type postgres from 'postgres';

/** What a customer reads, and how many pages of the database it may look at. */
interface Read {
  title: string;
  query: string;
  /** For a customer with `rows` rows of that kind. */
  pages: (rows: number) => number;
}

/** A row may lie on a page of its own; on top come the way down some indexes and the policy's questions. */
const ownRows = (rows: number) => 3 * rows + 60;
const fewRows = () => 100;

const reads: Read[] = [
  {
    title: 'first page of orders',
    query: 'select * from public.customer_orders order by order_id desc limit 20',
    pages: ownRows,
  },
  {
    title: 'first page of orders by time',
    query: 'select * from public.customer_orders order by created_at desc limit 20',
    pages: ownRows,
  },
  {
    title: 'number of orders',
    query: 'select count(*) from public.customer_orders',
    pages: ownRows,
  },
  {
    title: 'first page of the statement',
    query: 'select * from public.transactions order by account_version desc limit 50',
    pages: (rows) => ownRows(4 * rows),
  },
  {
    title: 'first page of an account’s statement',
    query:
      'select * from public.transactions where account_id = $account order by account_version desc limit 50',
    pages: fewRows,
  },
  { title: 'accounts', query: 'select * from public.accounts', pages: fewRows },
  {
    title: 'items of an order',
    query: 'select * from public.order_items where order_id = $order',
    pages: fewRows,
  },
  {
    title: 'history of an order',
    query: 'select * from public.order_status_history where order_id = $order order by event_id',
    pages: fewRows,
  },
  {
    title: 'tracking of an order',
    query: 'select * from public.order_tracking($order)',
    pages: () => 300,
  },
];

interface Reader {
  user_id: string;
  account_id: string;
  order_id: string;
  orders: number;
}

export interface ReadPages {
  title: string;
  orders: number;
  pages: number;
  limit: number;
}

/**
 * How many pages each read touches, for customers with few and with many orders: what comes by index
 * follows from the customer's own rows, however large the shop is.
 */
export async function countReadPages(sql: postgres.Sql): Promise<ReadPages[]> {
  const readers = await sql<Reader[]>`
    select distinct on (spot) r.*
    from (select o.user_id, min(o.account_id::text) as account_id, max(o.id::text) as order_id,
                 count(*)::int as orders, ntile(4) over (order by count(*)) as spot
          from public.orders o group by o.user_id) r
    order by spot, user_id`;
  const found: ReadPages[] = [];
  for (const reader of readers) {
    for (const { title, query, pages } of reads) {
      const text = query
        .replace('$account', `'${reader.account_id}'`)
        .replace('$order', `'${reader.order_id}'`);
      const { orders } = reader;
      found.push({ title, orders, pages: await pagesOf(sql, reader, text), limit: pages(orders) });
    }
  }
  return found;
}

/** As the customer asks, twice: the first time also reads the catalogue. */
async function pagesOf(sql: postgres.Sql, { user_id }: Reader, query: string): Promise<number> {
  return sql.begin(async (transaction) => {
    const claims = JSON.stringify({ sub: user_id, role: 'authenticated' });
    await transaction`
      select set_config('request.jwt.claims', ${claims}, true), set_config('role', 'authenticated', true)`;
    await transaction.unsafe(query);
    const [row] = await transaction.unsafe<
      { 'QUERY PLAN': [{ Plan: Record<'Shared Hit Blocks' | 'Shared Read Blocks', number> }] }[]
    >(`explain (analyze, buffers, format json) ${query}`);
    if (!row) throw new Error('explain answered nothing');
    const [{ Plan: plan }] = row['QUERY PLAN'];
    return plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
  }) as Promise<number>;
}
