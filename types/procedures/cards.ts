import { z } from 'zod';
import { actorId, amount, id, moment, notes, orNull, signedAmount, text } from '../fields.ts';
import type { Procedure } from '../procedure.ts';
import { orderStatus, paymentStatus } from './order-shapes.ts';

const whole = (description: string) => z.int().min(0).describe(description);

/** What a provider said, in the one form that every adapter brings it into. */
export const cardEvent = z.strictObject({
  eventId: text(1, 200, "The event's id at the provider: it counts once."),
  kind: z
    .enum([
      'authorised',
      'captured',
      'voided',
      'failed',
      'refunded',
      'refund_failed',
      'charged_back',
      'charge_back_won',
    ])
    .describe('What happened at the provider.'),
  providerPaymentId: text(1, 150, "The payment's id at the provider."),
  objectId: text(1, 200, 'The refund or dispute at the provider.').optional(),
  orderId: text(0, 200, 'The order, as the provider was told; it may be anything.').optional(),
  refundId: text(
    0,
    200,
    'The refund of ours that is paid out, where the provider was told.',
  ).optional(),
  currency: z
    .string()
    .regex(/^[A-Za-z]{3}$/, { error: 'must be three letters of ISO 4217' })
    .describe('ISO 4217.'),
  amount: whole('What was moved, with exponent decimals.').optional(),
  exponent: z
    .int()
    .min(0)
    .max(4)
    .describe("Decimals of the amounts; the currency's own when left out.")
    .optional(),
  capturedTotal: whole('What is captured so far, where the provider says so.').optional(),
  isFinal: z.boolean().describe('Of a capture: nothing more will be captured.').optional(),
  occurredAt: z.iso.datetime({ offset: true }).describe('When it happened at the provider.'),
  expiresAt: z.iso
    .datetime({ offset: true })
    .describe('Until when an authorisation can be captured.')
    .optional(),
});

export type CardEvent = z.infer<typeof cardEvent>;

export const cardStatus = z
  .enum(['announced', 'authorised', 'captured', 'voided', 'failed', 'refunded', 'charged_back'])
  .describe('How the card payment stands at the provider.');

export const cards = {
  confirmPayment: {
    name: 'ledger_confirm_payment',
    summary:
      'Takes an event of a card provider; each counts once, in whatever order they come. For backends.',
    answers: 'result',
    // the event's own id is one
    takesIdempotencyKey: false,
    goesOn: true,
    input: z.strictObject({
      provider: text(1, 50, 'Who says so, such as stripe.'),
      event: cardEvent.describe('What it says happened.'),
    }),
    output: z.object({
      transactionId: orNull(id('The last transaction that was written for it.')),
      cardPaymentId: id('The card payment.'),
      orderId: orNull(id('Its order; null until one is known.')),
      status: cardStatus,
      effect: z
        .enum(['booked', 'kept', 'unmatched', 'repeated'])
        .describe(
          'booked; kept: there is nothing to book, or not yet; unmatched: finance has to look; repeated: heard before.',
        ),
      problem: z.string().nullable().describe('Why it is unmatched.'),
      capturedAmount: amount('What is captured of the payment by now.'),
      refundedAmount: amount('What went back at the provider.'),
      chargedBackAmount: amount("What the holder's bank took back."),
      orderStatus: orNull(orderStatus),
      paymentStatus: orNull(paymentStatus),
      outstandingAmount: orNull(signedAmount('What is left to pay for the order.')),
    }),
  },

  matchCardPayment: {
    name: 'ledger_match_card_payment',
    summary:
      'Settles a card payment that is not in the books: says which order it is for, tries again, or that it is dealt with. Needs payments.record.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      cardPaymentId: id('The card payment.'),
      orderId: id('The order it is for, where none is known yet.').optional(),
      notes: notes(
        'Alone: what was done about it, and it is unmatched no more; with an order: why, for the history.',
      ).optional(),
      actorId: actorId.optional(),
    }),
    output: z.object({
      transactionId: orNull(id('The last transaction that was written for it.')),
      cardPaymentId: id('The card payment.'),
      orderId: orNull(id('Its order.')),
      status: cardStatus,
      problem: z.string().nullable().describe('What still stands in the way of booking it.'),
      handledAt: orNull(moment('When it was last said to be dealt with.')),
      capturedAmount: amount('What is captured of the payment by now.'),
      refundedAmount: amount('What went back at the provider.'),
      chargedBackAmount: amount("What the holder's bank took back."),
      orderStatus: orNull(orderStatus),
      paymentStatus: orNull(paymentStatus),
      outstandingAmount: orNull(signedAmount('What is left to pay for the order.')),
    }),
  },
} as const satisfies Record<string, Procedure>;
