import { z } from 'zod';
import { id } from '../fields.ts';
import type { Procedure } from '../procedure.ts';

const count = (description: string) => z.int().min(0).describe(description);
const fact = (description: string) =>
  z.union([z.int(), z.string(), z.boolean()]).nullable().describe(description);

export const replay = {
  replay: {
    name: 'integrity_replay',
    summary:
      'Rebuilds an account, an order, the stock of a variant, or everything from events alone, and compares. Needs audit.read.',
    answers: 'result',
    takesIdempotencyKey: false,
    input: z.strictObject({
      accountId: id('An account: totals, balance, version, freeze, debt.').optional(),
      orderId: id('An order: status, payment status, amounts.').optional(),
      variantId: id('A variant: its stock.').optional(),
      all: z.boolean().describe('Everything; instead of an id.').optional(),
    }),
    output: z.object({
      accounts: count('Accounts that were compared.'),
      orders: count('Orders that were compared.'),
      variants: count('Variants that were compared.'),
      differences: count('What differs, of all that was compared.'),
      notRecorded: count('What events of before did not say enough about.'),
      rows: z
        .array(
          z.object({
            kind: z.enum(['account', 'order', 'variant']).describe('What it is about.'),
            subject: id('Its id.'),
            what: z.string().describe('What of it, such as total_earned, paid_amount, status.'),
            replayed: fact('What the events say, in minor units or units of stock.'),
            stored: fact('What the tables say; null for a row that is gone.'),
            isEqual: z.boolean().nullable().describe('Null where the events do not say it.'),
          }),
        )
        .describe('What was compared; of everything only what differs, the first 1000.'),
    }),
  },
} as const satisfies Record<string, Procedure>;
