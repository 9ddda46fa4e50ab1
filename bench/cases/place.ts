import type { Variant } from '../world/world.ts';
import {
  at,
  type Case,
  call,
  pick,
  refusal,
  type Shop,
  type Statement,
  spot,
  type Work,
} from './case.ts';

export interface Basket {
  userId: string;
  lines: Variant[];
  key?: string;
}

/** An order of one piece of each line. */
export function placing({ userId, lines, key }: Basket): Statement {
  return call('ledger_place_order', {
    p_items: JSON.stringify(lines.map(({ id }) => ({ variant_id: id, quantity: 1 }))),
    p_user_id: userId,
    ...(key === undefined ? {} : { p_idempotency_key: key }),
  });
}

/** Orders of given baskets, and what they move. */
export function placeWork(count: number, basket: (index: number) => Basket): Work {
  const statements: Statement[] = [];
  let spent = 0;
  let pieces = 0;
  for (let index = 0; index < count; index++) {
    const { lines, ...rest } = basket(index);
    statements.push(placing({ lines, ...rest }));
    for (const { price } of lines) spent += price;
    pieces += lines.length;
  }
  return {
    operation: (index) => statements.slice(index, index + 1),
    complaint: refusal,
    moves: { spent, stock: -pieces },
  };
}

/** Any customer and as many different variants as the order has lines. */
export function spreadBasket({ world }: Shop, index: number, lineCount: number): Basket {
  const first = spot(world.goods.length, index, 2);
  const lines = Array.from({ length: lineCount }, (_, line) =>
    at(world.goods, (first + line * 97) % world.goods.length),
  );
  return { userId: pick(world.people, index).id, lines };
}

const spread = (
  name: string,
  lineCount: number,
  operations: number,
  against = ['transfer', 'single_row', 'tpcb'],
): Case => ({
  name,
  title: `Places orders of ${lineCount === 1 ? '1 item' : `${lineCount} items`}, spread over all customers and variants.`,
  operations,
  against,
  prepare: async (shop, count) => placeWork(count, (index) => spreadBasket(shop, index, lineCount)),
});

const withKey: Case = {
  name: 'place_3_with_key',
  title: 'Places orders of 3 items, each with an idempotency key of its own.',
  operations: 2000,
  against: ['transfer', 'place_3', 'single_row', 'tpcb'],
  async prepare(shop, count) {
    const [run] = await shop.sql`select gen_random_uuid()::text as id`;
    return placeWork(count, (index) => ({
      ...spreadBasket(shop, index, 3),
      key: `${String(run?.id)} ${index}`,
    }));
  },
};

export const placeCases: Case[] = [
  spread('place_1', 1, 3000),
  spread('place_3', 3, 2000, ['transfer', 'place_3_records', 'single_row', 'tpcb']),
  spread('place_10', 10, 1000),
  withKey,
];
