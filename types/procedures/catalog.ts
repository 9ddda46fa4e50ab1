import { z } from 'zod';
import { actorId, id, notes, units } from '../fields.ts';
import type { Procedure } from '../procedure.ts';

export const catalog = {
  adjustStock: {
    name: 'ledger_adjust_stock',
    summary: "Changes a variant's stock by a difference. Needs stock.adjust.",
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      variantId: id('The product variant.'),
      quantity: z
        .int()
        .describe('The difference, in units: received above zero, damaged below, counted either.'),
      reason: z
        .enum(['received', 'counted', 'damaged'])
        .describe('Why it changes; received when left out.')
        .optional(),
      notes: notes('More about it, for the stock movement.').optional(),
      actorId: actorId.optional(),
    }),
    output: z.object({
      variantId: id('The product variant.'),
      stockQuantity: units('Stock on hand from now on, after backorders were filled.'),
    }),
  },

  spreadStock: {
    name: 'ledger_spread_stock',
    summary:
      'Spreads the stock of a hot product over slots, so that many orders of it can be placed at once. Needs stock.adjust.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      variantId: id('The product variant.'),
      slots: z.int().min(1).max(64).describe('Over how many; 1 gathers it again.'),
      actorId: actorId.optional(),
    }),
    output: z.object({
      variantId: id('The product variant.'),
      stockSlots: z.int().min(1).max(64).describe('Over how many slots it is spread.'),
      stockQuantity: units('Stock on hand in all, as before.'),
    }),
  },
} as const satisfies Record<string, Procedure>;
