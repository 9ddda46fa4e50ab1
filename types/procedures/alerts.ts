import { z } from 'zod';
import { actorId, id, moment, text } from '../fields.ts';
import type { Procedure } from '../procedure.ts';

export const alerts = {
  acknowledgeAlert: {
    name: 'ledger_acknowledge_alert',
    summary: 'Says that somebody looks after an open alert. Needs alerts.handle.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      alertId: id('The alert, a row of alerts.'),
      notes: text(0, 2000, 'What there is to say; it stays with the alert.').optional(),
      actorId: actorId.optional(),
    }),
    output: z.object({
      alertId: id('The alert.'),
      ruleCode: z.string().describe('The rule that was breached, a row of alert_rules.'),
      subject: z.string().describe('What it is about.'),
      status: z.literal('acknowledged').describe('Until its cause is gone.'),
      acknowledgedAt: moment('When it was acknowledged.'),
    }),
  },
} as const satisfies Record<string, Procedure>;
