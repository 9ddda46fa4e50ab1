import { z } from 'zod';
import { moment, orNull } from '../fields.ts';
import type { Procedure } from '../procedure.ts';

const sealNumber = z.int().min(1);

export const seals = {
  verifySeals: {
    name: 'integrity_verify_seals',
    summary:
      'Recomputes seals over the events, for about four seconds a call, and names the events that do not fit. Needs audit.read.',
    answers: 'result',
    takesIdempotencyKey: false,
    input: z.strictObject({
      sealNumber: sealNumber.describe('A seal whose hash was kept elsewhere.').optional(),
      hash: z.string().describe('That hash, from its events.sealed message, as hex.').optional(),
      fromSeal: sealNumber.describe('Where to begin; the first seal when left out.').optional(),
      toSeal: sealNumber.describe('Where to end; the newest seal when left out.').optional(),
      limit: sealNumber.describe('How many seals at most.').optional(),
    }),
    output: z.object({
      verifiedFrom: z.int().describe('The first seal that was looked at.'),
      verifiedTo: z
        .int()
        .describe('The last one; below verifiedFrom when there was none. Go on with the next.'),
      newestSeal: z.int().describe('The newest seal there is; 0 before the first.'),
      isComplete: z.boolean().describe('Whether it came as far as was asked.'),
      eventCount: z.int().describe('Events under the seals that were looked at.'),
      problemCount: z.int().describe('How many things do not hold; 0 is good.'),
      problems: z
        .array(
          z.object({
            sealNumber: z.int().nullable().describe('Null for events that no seal covers.'),
            eventId: z.int().nullable().describe('The event that it is about.'),
            problem: z.string().describe('What does not hold.'),
          }),
        )
        .describe('The first 1000 of them.'),
    }),
  },

  checkpoint: {
    name: 'integrity_checkpoint',
    summary: 'The newest seal, to be signed and kept elsewhere. Needs audit.read.',
    answers: 'result',
    takesIdempotencyKey: false,
    input: z.strictObject({}),
    output: z.object({
      sealNumber: z.int().describe('Counts from 1; 0 before the first seal.'),
      hash: z.string().describe('Its hash as hex; it stands for all events and seals up to it.'),
      epoch: z.int().describe('Rises with each restore into another cluster.'),
      lastEventId: z.int().describe('The last event under it.'),
      eventCount: z.int().describe('Events under all seals up to it.'),
      sealedAt: orNull(moment('When it was made.')),
      database: z.string().describe('System identifier of the cluster, and the name.'),
    }),
  },
} as const satisfies Record<string, Procedure>;
