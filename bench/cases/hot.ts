import { type Case, pick } from './case.ts';
import { placeWork, spreadBasket } from './place.ts';

const HOT_STOCK = 100_000;

/** Its stock in one row, or spread over so many that orders do not wait for one another. */
const hotProduct = (name: string, title: string, slots: number): Case => ({
  name,
  title,
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
    await sql`
      select public.ledger_spread_stock(v.id, ${slots})
      from public.variants v
      where v.id = ${id} and (v.stock_slots <> ${slots} or ${slots} > 1)`;
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
});

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

export const hotCases: Case[] = [
  hotProduct(
    'place_hot_product',
    'Places orders of 1 item, all of the same product with 100,000 in stock.',
    1,
  ),
  hotProduct('place_hot_product_slots', 'The same with the stock spread over 64 slots.', 64),
  hotCustomer,
];
