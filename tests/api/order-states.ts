import { expect } from 'vitest';
import type { Shop } from './support.ts';

/** Ids of an order and of what hangs on it. */
export interface OrderState {
  order: string;
  part?: string;
}

/** Makes orders of the customer, each in a state that endpoints are about. */
export function orderStates({ ask, order, variant }: Shop) {
  const through = async (...statuses: string[]): Promise<OrderState> => ({
    order: (await order({ units: 3, through: statuses })).id,
  });

  /** The same with what a backend's request to it makes. */
  async function withPart(made: OrderState, request: string, body: unknown, idName: string) {
    const answer = await ask('backend', request.replace('{order}', made.order), { body });
    expect(answer.status, request).toBe(201);
    return { ...made, part: answer.body[idName] as string };
  }

  async function unpaid(): Promise<OrderState> {
    const items = [{ variant_id: variant, quantity: 1 }];
    const body = { items, payment_method: 'bank_transfer' };
    return { order: (await ask('customer', 'POST /orders', { body })).body.order_id };
  }

  const delivered = () => through('processing', 'delivered');
  const pay = (made: OrderState, amount: number) =>
    withPart(made, 'POST /orders/{order}/payments', { amount }, 'payment_id');

  return {
    through,
    unpaid,
    delivered,
    paid: async () => pay(await unpaid(), 400),
    /** A shipment that is under way. */
    shipped: async () =>
      withPart(await through('processing'), 'POST /orders/{order}/shipments', {}, 'shipment_id'),
    /** A return that is asked for. */
    async returning() {
      const lines = [{ line_number: 1, quantity: 1 }];
      return withPart(await delivered(), 'POST /orders/{order}/returns', { lines }, 'return_id');
    },
    /** A refund that is to be paid out. */
    async owed() {
      const made = await pay(await unpaid(), 1000);
      for (const status of ['processing', 'delivered']) {
        await ask('admin', `PATCH /orders/${made.order}/status`, { body: { status } });
      }
      const refund = { amount: 300, to: 'original' };
      return withPart(made, 'POST /orders/{order}/refunds', refund, 'refund_id');
    },
  };
}
