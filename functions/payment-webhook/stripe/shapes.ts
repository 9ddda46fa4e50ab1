import { z } from 'zod';

/** The fields of Stripe's objects that the books need. The rest is let through unread. */

const amount = z.int().min(0);
const metadata = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});

/** An id, or the object itself where the endpoint expands it. */
const reference = z
  .union([z.string(), z.object({ id: z.string() }).transform(({ id }) => id)])
  .nullish()
  .transform((value) => value ?? null);

export const stripeEvent = z.object({
  id: z.string(),
  object: z.literal('event'),
  type: z.string(),
  created: z.int(),
  data: z.object({ object: z.unknown() }),
});

export const paymentIntent = z.object({
  id: z.string(),
  object: z.literal('payment_intent'),
  amount,
  amount_capturable: amount.default(0),
  amount_received: amount.default(0),
  currency: z.string(),
  metadata,
});

export const charge = z.object({
  id: z.string(),
  object: z.literal('charge'),
  amount,
  amount_captured: amount,
  captured: z.boolean(),
  currency: z.string(),
  payment_intent: reference,
  metadata,
  payment_method_details: z
    .object({ card: z.object({ capture_before: z.int().nullish() }).nullish() })
    .nullish(),
});

export const refund = z
  .object({
    id: z.string(),
    object: z.literal('refund'),
    amount,
    currency: z.string(),
    charge: reference,
    payment_intent: reference,
    status: z.string().nullish(),
    reason: z.string().nullish(),
    metadata,
  })
  .transform(ofAPayment);

export const dispute = z
  .object({
    id: z.string(),
    object: z.literal('dispute'),
    amount,
    currency: z.string(),
    charge: reference,
    payment_intent: reference,
  })
  .transform(ofAPayment);

/** One of both names the payment. */
function ofAPayment<Subject extends { charge: string | null; payment_intent: string | null }>(
  subject: Subject,
  context: z.RefinementCtx,
): Omit<Subject, 'charge'> & { charge: string } {
  const charge = subject.charge ?? subject.payment_intent;
  if (charge === null) {
    context.addIssue({ code: 'custom', message: 'names neither a charge nor a payment intent' });
    return z.NEVER;
  }
  return { ...subject, charge };
}
