import { expect } from 'vitest';
import type { Sql } from './connection.ts';
import { type Actor, BACKEND, type Call } from './sessions.ts';
import { createVariant, succeed } from './shop.ts';

/** Stock over slots, and reservations. */
export const spreadStock = (variant: string, slots: number): Call => ({
  actor: BACKEND,
  procedure: 'ledger_spread_stock',
  args: { p_variant_id: variant, p_slots: slots },
});

/** Lines are pairs of variant and quantity. */
export const reserve = (
  customer: Actor,
  lines: [variant: string, quantity: number][],
  minutes?: number,
): Call => ({
  actor: customer,
  procedure: 'order_reserve',
  args: {
    p_items: lines.map(([variant_id, quantity]) => ({ variant_id, quantity })),
    p_minutes: minutes,
  },
});

export const release = (customer: Actor, reservation: string): Call => ({
  actor: customer,
  procedure: 'order_release_reservation',
  args: { p_reservation_id: reservation },
});

export async function createSpreadVariant(
  sql: Sql,
  options: { stock: number; slots: number; price?: number },
): Promise<string> {
  const variant = await createVariant(sql, options);
  await succeed(sql, spreadStock(variant, options.slots));
  return variant;
}

export async function reserved(
  sql: Sql,
  customer: string,
  lines: [variant: string, quantity: number][],
): Promise<string> {
  const answer = await succeed(sql, reserve(customer, lines));
  if (answer.reservation_id === undefined) throw new Error('a reservation was made without an id');
  return answer.reservation_id;
}

/** Lets all time of a reservation pass. Hands cannot, so it is done in a procedure's name. */
export async function pass(sql: Sql, reservation: string): Promise<void> {
  await sql.begin(async (transaction) => {
    await transaction`select set_config('ledger.procedure', 'test', true)`;
    await transaction`
      update stock_reservations set expires_at = clock_timestamp() - interval '1 second'
      where id = ${reservation}`;
  });
}

/** Units of a variant, all slots together. */
export async function stockOf(
  sql: Sql,
  variant: string,
): Promise<{ onHand: number; held: number; sold: number; waiting: number }> {
  const [row] = await sql`
    select s.stock_quantity as "onHand", s.held_quantity as held,
           (select coalesce(sum(i.quantity), 0)::int from order_items i where i.variant_id = ${variant}) as sold,
           (select coalesce(sum(b.open_quantity), 0)::int from backorders b where b.variant_id = ${variant}) as waiting
    from variant_stock s where s.variant_id = ${variant}`;
  if (!row) throw new Error(`variant ${variant} has no stock`);
  return { onHand: row.onHand, held: row.held, sold: row.sold, waiting: row.waiting };
}

/** Nothing was sold that was not there, and what is left is what was not sold. */
export async function expectSoldOut(sql: Sql, variant: string, stock: number): Promise<void> {
  expect(await stockOf(sql, variant)).toMatchObject({ onHand: 0, held: 0, sold: stock });
}
