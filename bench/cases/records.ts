import type { Variant, World } from '../world/world.ts';
import { at, type Case, pick, type Shop, type Statement } from './case.ts';
import { AMOUNT } from './money.ts';
import { type Basket, spreadBasket } from './place.ts';
import { placed } from './placed.ts';

/*
 * The records of an operation by themselves (`bench/baselines/records.sql`): what every procedure that
 * leaves them is held against, since it cannot be faster.
 */
type Where = '' | '_bare';

const against = ['transfer', 'single_row', 'tpcb'];
const IN: Record<Where, string> = { '': "the shop's tables", _bare: 'bare copies of its tables' };

const accountOf = ({ people }: World, userId: string): string => {
  const found = people.find(({ id }) => id === userId);
  if (!found) throw new Error(`there is no customer ${userId}`);
  return found.accountId;
};

const ids = (lines: Variant[]) => `{${lines.map(({ id }) => id).join(',')}}`;
const prices = (lines: Variant[]) => `{${lines.map(({ price }) => price).join(',')}}`;

function placing(where: Where, account: string, { userId, lines }: Basket): Statement {
  return {
    text: `select bench.place_records${where}($1, $2, $3::text::uuid[], $4::text::bigint[]) as id`,
    values: [userId, account, ids(lines), prices(lines)],
  };
}

/** Placing of so many orders, and what they move where the shop's own tables are written. */
function placings({ world }: Shop, where: Where, count: number, basket: (index: number) => Basket) {
  const baskets = Array.from({ length: count }, (_, index) => basket(index));
  const lines = baskets.flatMap((one) => one.lines);
  const statements = baskets.map((one) => placing(where, accountOf(world, one.userId), one));
  return {
    operation: (index: number) => [at(statements, index)],
    moves:
      where === ''
        ? { spent: lines.reduce((sum, { price }) => sum + price, 0), stock: -lines.length }
        : {},
  };
}

const placeRecords = (where: Where): Case => ({
  name: `place_3_records${where}`,
  title: `What placing an order of 3 items writes, by itself, in ${IN[where]}.`,
  operations: 2000,
  against,
  prepare: async (shop, count) =>
    placings(shop, where, count, (index) => spreadBasket(shop, index, 3)),
});

const creditRecords = (where: Where): Case => ({
  name: `credit_records${where}`,
  title: `What a credit writes, by itself, in ${IN[where]}.`,
  operations: 5000,
  against,
  prepare: async ({ world }, count) => ({
    operation: (index) => [
      {
        text: `select bench.credit_records${where}($1, $2)`,
        values: [pick(world.people, index).accountId, AMOUNT],
      },
    ],
    moves: where === '' ? { earned: count * AMOUNT } : {},
  }),
});

/** Orders to write a status of. */
async function ordersIn(where: Where, shop: Shop, count: number) {
  if (where === '') return placed(shop, count);
  const basket = (index: number) => spreadBasket(shop, index, 1);
  const answers = await shop.run(placings(shop, where, count, basket), count);
  return answers.map(({ id }, index) => ({ id: String(id), userId: basket(index).userId }));
}

const processingRecords = (where: Where): Case => ({
  name: `processing_records${where}`,
  title: `What a change of status to processing writes, by itself, in ${IN[where]}.`,
  operations: 3000,
  against,
  async prepare(shop, count) {
    const orders = await ordersIn(where, shop, count);
    return {
      operation(index) {
        const { id, userId } = at(orders, index);
        return [
          {
            text: `select bench.processing_records${where}($1, $2, $3)`,
            values: [id, accountOf(shop.world, userId), userId],
          },
        ];
      },
      moves: {},
    };
  },
});

export const recordCases: Case[] = [placeRecords, creditRecords, processingRecords].flatMap(
  (records) => [records(''), records('_bare')],
);
