import { type Case, pick } from './case.ts';
import { placeWork, spreadBasket } from './place.ts';

const HOT_STOCK = 100_000;

const hotProduct: Case = {
  name: 'place_hot_product',
  title: 'Places orders of 1 item, all of the same product with 100,000 in stock.',
  operations: 3000,
  against: ['place_1', 'transfer', 'single_row_hot', 'tpcb'],
  async prepare(shop, count) {
    const { sql, world } = shop;
    const { id } = world.hotVariant;
    if (count > HOT_STOCK) throw new Error(`only ${HOT_STOCK} are in stock: order fewer`);
    await sql`
      select public.ledger_adjust_stock(v.variant_id, ${HOT_STOCK}::bigint - v.stock_quantity, 'counted')
      from public.variant_stock v
      where v.variant_id = ${id} and v.stock_quantity <> ${HOT_STOCK}`;
    return {
      ...placeWork(count, (index) => ({
        userId: pick(world.people, index).id,
        lines: [world.hotVariant],
      })),
      async verify() {
        const [left] = await sql<{ stock: number }[]>`
          select stock_quantity::int as stock from public.variant_stock where variant_id = ${id}`;
        if (left?.stock === HOT_STOCK - count) return;
        throw new Error(`${HOT_STOCK} - ${count} sold left ${left?.stock}`);
      },
    };
  },
};

const hotCustomer: Case = {
  name: 'place_hot_customer',
  title: 'Places orders of 1 item, all by the same customer.',
  operations: 3000,
  against: ['single_row_hot', 'transfer', 'tpcb'],
  prepare: async (shop, count) =>
    placeWork(count, (index) => ({
      ...spreadBasket(shop, index, 1),
      userId: shop.world.hotCustomer.id,
    })),
};

export const hotCases: Case[] = [hotProduct, hotCustomer];
