import { readFileSync } from 'node:fs';
import type postgres from 'postgres';

/** How much is in the shop that is measured. */
export interface WorldSize {
  customers: number;
  variants: number;
  branches: number;
  accountsPerBranch: number;
}

export const FULL: WorldSize = {
  customers: 1000,
  variants: 1000,
  branches: 10,
  accountsPerBranch: 100_000,
};
export const QUICK: WorldSize = {
  customers: 40,
  variants: 40,
  branches: 2,
  accountsPerBranch: 100,
};

export interface Customer {
  id: string;
  accountId: string;
}

export interface Variant {
  id: string;
  price: number;
}

/** Who and what the cases pick from; all amounts in minor units. */
export interface World extends WorldSize {
  people: Customer[];
  hotCustomer: Customer;
  goods: Variant[];
  hotVariant: Variant;
  baselineAccounts: number;
}

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

/** Fills an empty shop, and the tables of the baselines. */
export async function makeWorld(sql: postgres.Sql, size: WorldSize): Promise<void> {
  await sql.unsafe(read('./world.sql'));
  await sql.unsafe(read('../baselines/baselines.sql'));
  await sql`call bench.open_shop(${size.customers}, ${size.variants})`;
  await sql`call bench.fill_baselines(${size.branches}, ${size.accountsPerBranch}, ${size.customers})`;
  await sql.unsafe(read('../baselines/records.sql'));
  await sql`vacuum analyze`;
}

/** The world that a database holds. */
export async function readWorld(sql: postgres.Sql, size: WorldSize): Promise<World> {
  const people = await sql<Customer[]>`
    select p.id, ledger.account_id(p.id, 'USD') as "accountId"
    from generate_series(0, ${size.customers}::int) n
    join public.profiles p on p.id = bench.id('customer', n)
    order by n`;
  const goods = await sql<Variant[]>`
    select v.id, v.price_amount::int as price
    from generate_series(0, ${size.variants}::int) n
    join public.variants v on v.id = bench.id('variant', n)
    order by n`;
  const [hotCustomer, ...others] = people;
  const [hotVariant, ...spread] = goods;
  if (!hotCustomer || !hotVariant) throw new Error('the shop to be measured is empty');
  return {
    ...size,
    people: others,
    hotCustomer,
    goods: spread,
    hotVariant,
    baselineAccounts: size.customers,
  };
}
