import type postgres from 'postgres';
import { at, type Case, call, type Row, refusal, type Shop } from './case.ts';
import { placeWork, spreadBasket } from './place.ts';

const against = ['transfer', 'single_row', 'tpcb'];
const STEPS = ['pending', 'processing', 'shipped', 'delivered'];

interface Placed {
  id: string;
  userId: string;
  total: number;
}

/** Orders of one item for a case to change. */
async function placed(shop: Shop, count: number): Promise<Placed[]> {
  const baskets = Array.from({ length: count }, (_, index) => spreadBasket(shop, index, 1));
  const work = placeWork(count, (index) => baskets[index] ?? spreadBasket(shop, index, 1));
  const answers = await shop.run(work, count);
  return answers.map((answer: Row, index) => ({
    id: String(answer.order_id),
    userId: String(baskets[index]?.userId),
    total: Number(answer.total_amount),
  }));
}

async function expectStatus(sql: postgres.Sql, orders: Placed[], status: string): Promise<void> {
  const [other] = await sql`
    select o.order_number, o.status from public.orders o
    where o.id = any (${orders.map(({ id }) => id)}::uuid[]) and o.status <> ${status} limit 1`;
  if (other) throw new Error(`${other.order_number} is ${other.status} and not ${status}`);
}

const statusChange: Case = {
  name: 'status_change',
  title: 'Moves orders from pending to processing, shipped and delivered.',
  operations: 3000,
  against,
  async prepare(shop, count) {
    const chain = STEPS.length - 1;
    const orders = await placed(shop, Math.ceil(count / chain));
    const complete = orders.slice(0, Math.floor(count / chain));
    return {
      chain,
      operation(index) {
        const order = at(orders, Math.floor(index / chain));
        return [
          call('ledger_change_order_status', {
            p_user_id: order.userId,
            p_reference_id: order.id,
            p_old_status: at(STEPS, index % chain),
            p_new_status: at(STEPS, (index % chain) + 1),
            p_amount: order.total,
          }),
        ];
      },
      complaint: refusal,
      moves: {},
      verify: () => expectStatus(shop.sql, complete, 'delivered'),
    };
  },
};

const cancel: Case = {
  name: 'cancel',
  title: 'Cancels orders of 1 item: money and goods go back.',
  operations: 2500,
  against,
  async prepare(shop, count) {
    const orders = await placed(shop, count);
    return {
      operation(index) {
        const { id, userId } = at(orders, index);
        return [call('ledger_cancel_order', { p_order_id: id, p_user_id: userId })];
      },
      complaint: refusal,
      moves: { spent: -orders.reduce((sum, { total }) => sum + total, 0), stock: count },
      verify: () => expectStatus(shop.sql, orders, 'cancelled'),
    };
  },
};

export const orderCases: Case[] = [statusChange, cancel];
