import type postgres from 'postgres';
import { at, type Case, call, refusal } from './case.ts';
import { type Placed, placed, statusChangeOf } from './placed.ts';

const against = ['transfer', 'single_row', 'tpcb'];
const STEPS = ['pending', 'processing', 'shipped', 'delivered'];

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
        return [statusChangeOf(order, at(STEPS, index % chain), at(STEPS, (index % chain) + 1))];
      },
      complaint: refusal,
      moves: {},
      verify: () => expectStatus(shop.sql, complete, 'delivered'),
    };
  },
};

const toProcessing: Case = {
  name: 'to_processing',
  title: 'Moves orders from pending to processing, where neither money nor goods move.',
  operations: 3000,
  against: ['transfer', 'processing_records', 'single_row', 'tpcb'],
  async prepare(shop, count) {
    const orders = await placed(shop, count);
    return {
      operation: (index) => [statusChangeOf(at(orders, index), 'pending', 'processing')],
      complaint: refusal,
      moves: {},
      verify: () => expectStatus(shop.sql, orders, 'processing'),
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

export const orderCases: Case[] = [statusChange, toProcessing, cancel];
