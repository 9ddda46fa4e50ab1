import { z } from '@hono/zod-openapi';
import { problemSchema } from './problem.ts';

/** What each status of a problem says, for the document. */
const meanings = {
  400: 'The request is malformed; `errors` says where.',
  401: 'Nobody is signed in, or the access token is not valid.',
  402: 'Money is missing.',
  403: 'The caller may not do this.',
  404: 'It does not exist, or is not visible to the caller.',
  409: 'Its present state does not allow it.',
  412: 'It is not the one of If-Match any more.',
  413: 'The body is too large.',
  415: 'The body is not application/json.',
  422: 'The Idempotency-Key was used for another request.',
  429: 'Too many calls; Retry-After says when to come back.',
  503: 'The database does not answer, or is busy; ask again with the same Idempotency-Key.',
} as const;

type ProblemStatus = keyof typeof meanings;

const readStatuses = [400, 401, 403, 404, 503] as const;
const writeStatuses = [400, 401, 402, 403, 404, 409, 413, 415, 422, 429, 503] as const;

const retryAfter = z.object({ 'Retry-After': z.string().describe('Seconds.').optional() });

function problems(statuses: readonly ProblemStatus[]) {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: meanings[status],
        content: { 'application/problem+json': { schema: problemSchema } },
        ...((status === 429 || status === 503) && { headers: retryAfter }),
      },
    ]),
  );
}

export const readProblems = problems(readStatuses);
export const writeProblems = problems(writeStatuses);
export const preconditionProblems = problems([412]);

export const etagHeader = z.object({ ETag: z.string().describe('Its version.') });

export const writeHeaders = z.object({
  'Idempotency-Replayed': z
    .enum(['true'])
    .describe('This is the stored answer to an earlier request with the same Idempotency-Key.')
    .optional(),
  RateLimit: z.string().describe('Calls left: r, and seconds until all are back: t.').optional(),
  'RateLimit-Policy': z.string().describe('Calls at once: q, per seconds: w.').optional(),
});

export const json = (description: string, schema: z.ZodType) => ({
  description,
  content: { 'application/json': { schema } },
});
