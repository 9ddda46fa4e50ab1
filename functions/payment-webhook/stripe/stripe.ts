import { z } from 'zod';
import { type CardEvent, cardEvent } from '../../../types/procedures/cards.ts';
import type { Adapter } from '../adapter.ts';
import { decimalsAtStripe } from './amounts.ts';
import { charge, dispute, paymentIntent, refund, stripeEvent } from './shapes.ts';

/** What an object of Stripe's comes to; what the event itself says is added to it. */
type Part = Omit<CardEvent, 'eventId' | 'occurredAt' | 'exponent' | 'currency'>;
type Reading = (object: unknown) => { currency: string; part: Part | undefined };

/** Anybody can write anything into metadata; what is no id of ours must not keep the money from being heard of. */
const uuidIn = (text: string | undefined) =>
  text !== undefined && z.guid().safeParse(text).success ? text : undefined;

const ofIntent = (kind: (intent: z.infer<typeof paymentIntent>) => Part): Reading => {
  return (object) => {
    const intent = paymentIntent.parse(object);
    const part = kind(intent);
    return {
      currency: intent.currency,
      part: { ...part, providerPaymentId: intent.id, orderId: uuidIn(intent.metadata.order_id) },
    };
  };
};

type Charge = z.infer<typeof charge>;

/** A charge belongs to its payment intent; one without stands for itself. */
const ofCharge =
  (toPart: (subject: Charge) => Part): Reading =>
  (object) => {
    const subject = charge.parse(object);
    return {
      currency: subject.currency,
      part: { ...toPart(subject), orderId: uuidIn(subject.metadata.order_id) },
    };
  };

const ofRefund: Reading = (object) => {
  const subject = refund.parse(object);
  const kinds: Record<string, CardEvent['kind'] | undefined> = {
    succeeded: 'refunded',
    failed: 'refund_failed',
    // called off before it was through
    canceled: 'refund_failed',
  };
  const kind = kinds[subject.status ?? ''];
  // An authorisation that ran out is let go by a refund of what was never captured.
  const movesMoney = kind !== undefined && subject.reason !== 'expired_uncaptured_charge';
  return {
    currency: subject.currency,
    part: movesMoney
      ? {
          kind,
          providerPaymentId: subject.payment_intent ?? subject.charge,
          objectId: subject.id,
          amount: subject.amount,
          orderId: uuidIn(subject.metadata.order_id),
          refundId: uuidIn(subject.metadata.refund_id),
        }
      : undefined,
  };
};

const ofDispute =
  (kind: 'charged_back' | 'charge_back_won'): Reading =>
  (object) => {
    const subject = dispute.parse(object);
    return {
      currency: subject.currency,
      part: {
        kind,
        providerPaymentId: subject.payment_intent ?? subject.charge,
        objectId: subject.id,
        amount: subject.amount,
      },
    };
  };

const instant = (seconds: number) => new Date(seconds * 1000).toISOString();

/** Only a charge says until when it can be captured. */
const authorised = (subject: Charge): Part => {
  const before = subject.payment_method_details?.card?.capture_before;
  return {
    kind: 'authorised',
    providerPaymentId: subject.payment_intent ?? subject.id,
    amount: subject.amount,
    ...(before && { expiresAt: instant(before) }),
  };
};

/** Of a payment intent there may be more to come, until it has succeeded. */
const captured = (subject: Charge): Part => ({
  kind: 'captured',
  providerPaymentId: subject.payment_intent ?? subject.id,
  amount: subject.amount_captured,
  capturedTotal: subject.amount_captured,
  isFinal: subject.payment_intent === null,
});

/** The events that money follows from. All others are none of the books' business. */
const readings: Record<string, Reading | undefined> = {
  'payment_intent.amount_capturable_updated': ofIntent((intent) => ({
    kind: 'authorised',
    providerPaymentId: intent.id,
    amount: intent.amount_capturable + intent.amount_received,
  })),
  // Sent once a payment intent is through: what it has received by then is all there will be.
  'payment_intent.succeeded': ofIntent((intent) => ({
    kind: 'captured',
    providerPaymentId: intent.id,
    amount: intent.amount_received,
    capturedTotal: intent.amount_received,
    isFinal: true,
  })),
  'payment_intent.canceled': ofIntent((intent) => ({
    kind: 'voided',
    providerPaymentId: intent.id,
  })),
  'payment_intent.payment_failed': ofIntent((intent) => ({
    kind: 'failed',
    providerPaymentId: intent.id,
  })),
  'charge.succeeded': ofCharge((subject) =>
    subject.captured ? captured(subject) : authorised(subject),
  ),
  'charge.captured': ofCharge(captured),
  'refund.created': ofRefund,
  'refund.updated': ofRefund,
  'refund.failed': ofRefund,
  'charge.dispute.funds_withdrawn': ofDispute('charged_back'),
  'charge.dispute.funds_reinstated': ofDispute('charge_back_won'),
};

/**
 * Stripe's events, as they come in an envelope that is signed by Standard Webhooks. The payment intent carries
 * metadata.order_id, and a refund of ours metadata.refund_id.
 */
export const stripe: Adapter = {
  name: 'stripe',
  toEvents(body) {
    const event = stripeEvent.parse(body);
    const reading = readings[event.type]?.(event.data.object);
    if (reading?.part === undefined) return [];
    const given = Object.entries(reading.part).filter(([, value]) => value !== undefined);
    return [
      cardEvent.parse({
        ...Object.fromEntries(given),
        eventId: event.id,
        currency: reading.currency,
        exponent: decimalsAtStripe(reading.currency),
        occurredAt: instant(event.created),
      }),
    ];
  },
};
