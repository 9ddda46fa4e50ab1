import { z } from 'zod';
import { customerId, id, moment } from '../fields.ts';
import type { Procedure } from '../procedure.ts';
import { orderItems } from './order-shapes.ts';

export const reservations = {
  orderReserve: {
    name: 'order_reserve',
    summary: 'Holds stock for some minutes, for a checkout; placing the order consumes it.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      items: orderItems,
      minutes: z
        .int()
        .min(1)
        .max(1440)
        .describe(
          'How long; the setting reservation_minutes when left out, which customers may not exceed.',
        )
        .optional(),
      userId: customerId.optional(),
    }),
    output: z.object({
      reservationId: id('The reservation, for placing the order.'),
      expiresAt: moment('When it ends by itself.'),
      lines: z
        .array(
          z.object({
            variantId: id('The product variant.'),
            quantity: z.int().min(1).describe('In units.'),
          }),
        )
        .describe('What is held: less than asked where the rest may be backordered.'),
    }),
  },

  orderReleaseReservation: {
    name: 'order_release_reservation',
    summary: 'Gives back what a reservation holds.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      reservationId: id('The reservation.'),
      userId: customerId.optional(),
    }),
    output: z.object({
      reservationId: id('The reservation.'),
      status: z.literal('released').describe('Its status from now on.'),
    }),
  },
} as const satisfies Record<string, Procedure>;
