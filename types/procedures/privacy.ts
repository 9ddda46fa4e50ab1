import { z } from 'zod';
import { actorId, id, moment } from '../fields.ts';
import type { Procedure } from '../procedure.ts';

export const privacy = {
  profileErase: {
    name: 'profile_erase',
    summary:
      'Erases what is known of a person and keeps the books; only who has nothing open. Cannot be undone; again, it removes what was written about them since.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      userId: id('The person, when that is not the caller; needs customers.erase.').optional(),
      reason: z
        .enum(['requested', 'retention_over', 'legal_order'])
        .describe('On what grounds; requested unless told.')
        .optional(),
      actorId: actorId.optional(),
    }),
    output: z.object({
      userId: id('The person.'),
      erasedAt: moment('When they were erased.'),
      signInErased: z
        .boolean()
        .describe('False when the backend still has to call auth.admin.deleteUser(userId, true).'),
    }),
  },
} as const satisfies Record<string, Procedure>;
