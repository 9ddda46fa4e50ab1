import { randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';

/** A secret as Standard Webhooks writes it. */
export const newSecret = (): string =>
  `whsec_${Buffer.from(randomUUID() + randomUUID()).toString('base64')}`;

export interface Signing {
  secret: string;
  /** When it was signed; now by default. */
  at?: Date;
  id?: string;
}

/** Headers of a body that is signed like this. */
export function signed(
  body: string,
  { secret, at = new Date(), id = `msg_${randomUUID()}` }: Signing,
) {
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, at, body),
  };
}

export interface Intent {
  order: string;
  amount: number;
  currency?: string;
  event?: string;
  type?: string;
}

/** An event of Stripe's about the payment intent of an order. */
export function intentEvent({ order, amount, currency = 'usd', event, type }: Intent): string {
  return JSON.stringify({
    id: event ?? `evt_${randomUUID()}`,
    object: 'event',
    type: type ?? 'payment_intent.succeeded',
    created: 1772366400,
    data: {
      object: {
        id: `pi_${order}`,
        object: 'payment_intent',
        amount,
        amount_capturable: 0,
        amount_received: amount,
        currency,
        metadata: { order_id: order },
        status: 'succeeded',
      },
    },
  });
}
