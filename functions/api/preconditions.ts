import { z } from '@hono/zod-openapi';
import { Problem } from './problem.ts';

/** The ETag of an order, or a draft, is its version, which rises with every change of it. */
export const entityTag = (version: number): string => `"${version}"`;

const TAG = '(W/)?"[\\x21\\x23-\\x7e\\x80-\\xff]*"';

const matching = (pattern: string) =>
  z.string().regex(new RegExp(`^\\s*(\\*|${pattern})\\s*$`), {
    error: 'must be an entity tag such as "3"',
  });

/** One tag: a list would say that several versions are seen, of which only one can be the present. */
export const ifMatch = matching(TAG)
  .describe('The ETag that was seen; 412 when it has changed since.')
  .openapi({ example: '"3"' })
  .optional();

export const ifNoneMatch = matching(`${TAG}(\\s*,\\s*${TAG})*`)
  .describe('An ETag that is known; 304 when it is still the one.')
  .openapi({ example: '"3"' })
  .optional();

/** The version that a request insists on; nothing when any will do. */
export function expectedVersion(header: string | undefined): number | undefined {
  const tag = header?.trim();
  if (tag === undefined || tag === '*') return undefined;
  const version = Number(/^"([1-9]\d*)"$/.exec(tag)?.[1]);
  // A weak tag never matches here, nor does one that is none of ours.
  if (!Number.isSafeInteger(version)) throw changedSince({ expected: tag });
  return version;
}

/** Refusals that say: not the version that was seen. */
const conflicts = new Set(['version_conflict', 'draft_conflict']);

/** With If-Match such a refusal is the precondition's. */
export function passVersion(error: unknown): void {
  if (error instanceof Problem && conflicts.has(error.code))
    throw changedSince(error.parts.details);
}

const changedSince = (details: Record<string, unknown> = {}): Problem =>
  new Problem({
    status: 412,
    code: 'version_conflict',
    detail: 'It is not the version of If-Match any more: it was changed in between. Read it again.',
    details,
  });

/** Weak comparison, as RFC 9110 has it for If-None-Match. */
export function isKnown(tag: string, header: string | undefined): boolean {
  if (header === undefined) return false;
  const known = header.split(',').map((part) => part.trim().replace(/^W\//, ''));
  return known.includes('*') || known.includes(tag);
}
