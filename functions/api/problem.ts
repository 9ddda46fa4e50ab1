import { z } from '@hono/zod-openapi';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { businessErrors } from '../../types/error-codes.ts';
import { PUBLIC_BASE } from './context.ts';
import { type OwnError, ownErrors } from './own-errors.ts';

const inputError = z.object({
  in: z.enum(['body', 'query', 'path', 'header']).describe('Which part of the request.'),
  path: z.string().describe('JSON pointer to it, such as /items/0/quantity.'),
  message: z.string().describe('What is wrong with it.'),
});

export type InputError = z.infer<typeof inputError>;

/** RFC 9457. The figures of a refusal lie in `details`: some are named like members of the RFC. */
export const problemSchema = z
  .object({
    type: z.string().describe('Where the code is explained.'),
    title: z.string().describe('The code in words.'),
    status: z.int().min(400).max(599).describe('The HTTP status.'),
    detail: z.string().describe('What was wrong, and what would be right, in English.'),
    code: z.string().describe('Stable; what a program decides by.'),
    details: z
      .record(z.string(), z.unknown())
      .describe('The figures behind detail; amounts in minor units.'),
    errors: z.array(inputError).describe('What is wrong with the request.').optional(),
  })
  .openapi('Problem', {
    example: {
      type: `${PUBLIC_BASE}/errors/insufficient_stock`,
      title: 'Insufficient stock',
      status: 409,
      detail: 'Only 3 of "Blue mug" left, 5 asked.',
      code: 'insufficient_stock',
      details: { name: 'Blue mug', available: 3, requested: 5 },
    },
  });

interface ProblemParts {
  status: ContentfulStatusCode;
  code: string;
  detail: string;
  details?: Record<string, unknown>;
  errors?: InputError[];
  headers?: Record<string, string>;
}

/** What goes wrong anywhere below ends as this, and is answered in one place. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly parts: ProblemParts;

  constructor(parts: ProblemParts, cause?: unknown) {
    super(parts.detail, cause === undefined ? {} : { cause });
    this.parts = parts;
  }

  get code(): string {
    return this.parts.code;
  }

  toResponse(): Response {
    const { status, code, detail, details = {}, errors, headers } = this.parts;
    const body: z.infer<typeof problemSchema> = {
      type: `${PUBLIC_BASE}/errors/${code}`,
      title: inWords(code),
      status,
      detail,
      code,
      details,
      ...(errors !== undefined && { errors }),
    };
    return new Response(JSON.stringify(body), {
      status,
      headers: { ...headers, 'content-type': 'application/problem+json' },
    });
  }
}

/** A refusal of the database; its code says the status. */
export function refusal(
  code: string,
  detail: string,
  details: Record<string, unknown> = {},
): Problem {
  const statuses: Record<string, number | undefined> = businessErrors;
  const retryAfter = details.retry_after_seconds;
  return new Problem({
    status: (statuses[code] ?? 409) as ContentfulStatusCode,
    code,
    detail,
    details,
    ...(retryAfter !== undefined && { headers: { 'retry-after': String(retryAfter) } }),
  });
}

/** What the API itself has found. */
export const ownProblem = (
  code: OwnError,
  detail: string,
  more: Pick<ProblemParts, 'details' | 'errors' | 'headers'> = {},
  cause?: unknown,
): Problem => new Problem({ status: ownErrors[code][0], code, detail, ...more }, cause);

export const invalidInput = (errors: InputError[]): Problem =>
  ownProblem(
    'invalid_input',
    errors.map(({ in: part, path, message }) => `${part} ${path}: ${message}`).join('; '),
    { errors },
  );

const inWords = (code: string) =>
  (code.charAt(0).toUpperCase() + code.slice(1)).replaceAll('_', ' ');
