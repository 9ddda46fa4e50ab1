import { at, call, pick, type Statement, spot, type Value } from '../cases/case.ts';
import { asCustomer } from '../cases/reads.ts';
import type { World } from '../world/world.ts';

/** What is asked for: a procedure's answer, or the newest rows of a table. */
type Question =
  | { procedure: string; body: Record<string, unknown> }
  | { table: string; newestBy: string; length: number };

/** One request, for HTTP and as statements. */
export type HttpCall = Question & {
  /** Signed in as this customer; else a backend with the secret key. */
  userId?: string;
  statements: Statement[];
};

export interface HttpCase {
  name: string;
  title: string;
  operations: number;
  callOf(world: World, index: number): HttpCall;
}

const itemsOf = (world: World, index: number) => {
  const first = spot(world.goods.length, index, 2);
  return Array.from({ length: 3 }, (_, line) => ({
    variant_id: at(world.goods, (first + line * 97) % world.goods.length).id,
    quantity: 1,
  }));
};

/** A procedure as a backend calls it: customers' own orders are limited to some a second. */
const asBackend = (procedure: string, body: Record<string, unknown>): HttpCall => ({
  procedure,
  body,
  statements: [call(procedure, textArguments(body))],
});

const textArguments = (body: Record<string, unknown>): Record<string, Value> =>
  Object.fromEntries(
    Object.entries(body).map(([name, value]) => [
      name,
      typeof value === 'object' ? JSON.stringify(value) : (value as Value),
    ]),
  );

/** Orders that every customer has to read. */
export const PAGE = 20;

export const httpCases: HttpCase[] = [
  {
    name: 'nothing',
    title: 'A function that does nothing: what a call costs by itself.',
    operations: 2000,
    callOf: () => asBackend('bench_nothing', {}),
  },
  {
    name: 'place_3',
    title: 'A backend places orders of 3 items, spread over all customers and variants.',
    operations: 800,
    callOf: (world, index) =>
      asBackend('ledger_place_order', {
        p_items: itemsOf(world, index),
        p_user_id: pick(world.people, index).id,
      }),
  },
  {
    name: 'credit',
    title: 'A backend credits wallets.',
    operations: 1200,
    callOf: (world, index) =>
      asBackend('ledger_credit_account', {
        p_user_id: pick(world.people, index).id,
        p_amount: 250,
      }),
  },
  {
    name: 'quote',
    title: 'A backend quotes 3 items.',
    operations: 1500,
    callOf: (world, index) =>
      asBackend('order_quote', {
        p_items: itemsOf(world, index),
        p_user_id: pick(world.people, index).id,
      }),
  },
  {
    name: 'order_list',
    title: 'A signed-in customer reads the first 20 of their orders, newest first.',
    operations: 1500,
    callOf: (world, index) => {
      const { id } = pick(world.people, index);
      const page = { table: 'customer_orders', newestBy: 'order_id', length: PAGE };
      const text = `select * from public.${page.table} order by ${page.newestBy} desc limit ${page.length}`;
      return {
        ...page,
        userId: id,
        statements: asCustomer(id, { text, values: [] }),
      };
    },
  },
];
