import { z } from 'zod';
import { id, jsonObject, moment } from '../fields.ts';
import type { Procedure } from '../procedure.ts';

const count = (description: string) => z.int().min(0).describe(description);
const figure = (description: string) => z.int().nullable().describe(description);
const momentOrNull = (description: string) => moment(description).nullable();

const severity = z.enum(['critical', 'error', 'warning']).describe('How bad it is.');

const run = z.object({
  runId: id('The run, a row of reconciliation_runs.'),
  checkCode: z.enum(['books', 'debt_cache', 'old_flags']).describe('What was checked.'),
  scope: z.enum(['all', 'changed']).describe('Everything, or what had changed since a run before.'),
  status: z.enum(['OK', 'WARN', 'FAIL']).describe('OK without any difference.'),
  findings: count('Rows that offended a check of the books.'),
  accounts: count('Accounts that were looked at.'),
  differingAccounts: count('Of these, accounts that differ.'),
  diffAbs: count('What they differ by, minor units over all currencies.'),
  diffRatioPpm: count('The same in millionths of what was looked at.'),
  limitPpm: count('Beyond this a drift run fails.'),
  startedAt: moment('When it began.'),
  endedAt: moment('When it was kept.'),
});

const finding = z.object({
  checkCode: z.string().describe('The check, a row of integrity_checks.'),
  severity,
  findings: count('Rows that offend it.'),
  foundAt: moment('When a run found it last.'),
  proves: z.string().nullable().describe('What is true while it finds nothing.'),
  repair: z
    .string()
    .nullable()
    .describe('Kind of repair that mends it; null where a person has to.'),
});

const alert = z.object({
  alertId: id('The alert, a row of alerts.'),
  rule: z.string().describe('The rule that was breached.'),
  severity: z.string().describe('How bad it is.'),
  subject: z.string().describe('What it is about.'),
  status: z.enum(['open', 'acknowledged']).describe('Whether somebody looks after it.'),
  value: figure('What was measured last.'),
  limitValue: figure('Beyond this the rule is breached.'),
  raisedAt: moment('When it was raised.'),
  lastSeenAt: moment('When it was breached last.'),
});

const kpi = z.object({
  metric: z.string().describe('Its name, such as placement_latency_p95_us.'),
  unit: z
    .enum(['ppm', 'us', 'ms', 's', 'count', 'minor'])
    .describe('Millionths, microseconds, milliseconds, seconds, a count, or minor units.'),
  direction: z.enum(['lower', 'higher']).nullable().describe('Which is better; null: neither.'),
  description: z.string().describe('What it says.'),
  takenAt: momentOrNull('When it was measured last; null when it never was.'),
  value: figure('What it was; null when there was nothing to measure, or it could not be.'),
  details: jsonObject('What it is made of; {"error", "sqlstate"} when it could not be measured.'),
  dayAgo: figure('What it was a day before.'),
  weekAgo: figure('What it was a week before.'),
  series: z
    .array(z.object({ takenAt: moment('When.'), value: figure('What it was.') }))
    .describe('Its last 48 values, the oldest first.'),
});

const job = z.object({
  name: z.string().describe('The job.'),
  schedule: z.string().describe('When it runs, in the way of cron, UTC.'),
  enabled: z.boolean().describe('Whether it runs at all.'),
  lastStartedAt: momentOrNull('When its last run began.'),
  lastSucceededAt: momentOrNull('When it last came to a good end.'),
  lastDurationMs: figure('How long the last run took, in milliseconds.'),
  lastError: z.string().nullable().describe('What the last run failed with.'),
  runs: count('How often it ran.'),
  failures: count('How often it failed.'),
  skipped: count('Turns left out because the run before was still at it.'),
  runningSince: momentOrNull('Since when it runs just now.'),
  isOverdue: z.boolean().describe('Whether it has not succeeded for too long.'),
});

const partition = z.object({
  table: z.enum(['audit_log', 'immutable_events']).describe('The table.'),
  newestMonth: z.string().nullable().describe('Its last month with a partition, such as 2026-03.'),
  monthsAhead: count('Partitions of months to come.'),
  defaultHasRows: z.boolean().describe('Whether rows came when no month covered them.'),
});

export const kpis = {
  reportIntegrity: {
    name: 'report_integrity',
    summary: "The shop's health, for a dashboard. Needs reports.read or audit.read.",
    answers: 'result',
    takesIdempotencyKey: false,
    input: z.strictObject({}),
    output: z.object({
      reportedAt: moment('When this was reported.'),
      runs: z.array(run).describe('The last run of each kind.'),
      findings: z.array(finding).describe('What offends the books, worst first.'),
      alerts: z
        .object({
          open: count('Alerts that nobody looks after yet.'),
          acknowledged: count('Alerts that somebody does.'),
          newest: z.array(alert).describe('The newest 50 of both.'),
        })
        .describe('Alerts that are not resolved.'),
      repairs: z
        .object({
          planned: count('Shown, and not applied.'),
          applied: count('Applied.'),
          failed: count('Could not be applied.'),
          stale: count('Not what is there any more.'),
          undone: count('Taken back.'),
          superseded: count('Planned anew.'),
          lastAppliedAt: momentOrNull('When one was applied last.'),
        })
        .describe('Repairs by status.'),
      kpis: z.array(kpi).describe('Key figures as of the last hourly snapshot.'),
      jobs: z.array(job).describe('Jobs with their last runs.'),
      seals: z
        .object({
          sealNumber: figure('The newest seal; null when there is none.'),
          sealedAt: momentOrNull('When it was made.'),
          highestEventId: figure('The greatest id of the events it covers.'),
          unsealedEvents: count('Events that wait for the next, counted up to 10000.'),
        })
        .describe('How far events are sealed.'),
      flags: z
        .array(
          z.object({
            key: z.string().describe('The flag.'),
            state: z.string().describe('Its state.'),
            percentage: count('Share of accounts for canary.'),
            updatedAt: moment('When it was switched last.'),
          }),
        )
        .describe('Feature flags.'),
      partitions: z.array(partition).describe('Monthly partitions.'),
      outbox: z
        .object({
          waiting: count('Messages that wait to be delivered, counted up to 10000.'),
          oldestDueAt: momentOrNull('Since when the oldest of them is due; null when none is.'),
        })
        .describe('Messages to the outside.'),
    }),
  },
} as const satisfies Record<string, Procedure>;
