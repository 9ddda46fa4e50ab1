import type { ApiContext } from './context.ts';
import { answerOf, type Row } from './database.ts';
import { refusal } from './problem.ts';

/** For procedures that are about a customer's own order: staff act for the customer whose it is. */
export async function customerOf(c: ApiContext, { order_id }: Row): Promise<Row> {
  const order = await answerOf(
    c.get('database').client.from('orders').select('user_id').eq('id', order_id).maybeSingle(),
  );
  if (order === null) throw orderNotFound(order_id);
  return { user_id: order.user_id };
}

export const orderNotFound = (orderId: unknown) =>
  refusal('order_not_found', `There is no order ${orderId}.`, { order_id: orderId });
