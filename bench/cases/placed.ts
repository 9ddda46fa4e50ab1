import { call, type Row, refusal, type Shop, type Statement } from './case.ts';
import { placeWork, spreadBasket } from './place.ts';

export interface Placed {
  id: string;
  userId: string;
  total: number;
}

/** Orders of one item for a case to change. */
export async function placed(shop: Shop, count: number): Promise<Placed[]> {
  const baskets = Array.from({ length: count }, (_, index) => spreadBasket(shop, index, 1));
  const work = placeWork(count, (index) => baskets[index] ?? spreadBasket(shop, index, 1));
  const answers = await shop.run(work, count);
  return answers.map((answer: Row, index) => ({
    id: String(answer.order_id),
    userId: String(baskets[index]?.userId),
    total: Number(answer.total_amount),
  }));
}

export function statusChangeOf(order: Placed, from: string, to: string): Statement {
  return call('ledger_change_order_status', {
    p_user_id: order.userId,
    p_reference_id: order.id,
    p_old_status: from,
    p_new_status: to,
    p_amount: order.total,
  });
}

/** The same, brought through these statuses one after the other. */
export async function placedAnd(shop: Shop, count: number, steps: string[]): Promise<Placed[]> {
  const orders = await placed(shop, count);
  let from = 'pending';
  for (const to of steps) {
    const operation = (index: number) => {
      const order = orders[index];
      return order ? [statusChangeOf(order, from, to)] : [];
    };
    await shop.run({ operation, complaint: refusal, moves: {} }, count);
    from = to;
  }
  return orders;
}
