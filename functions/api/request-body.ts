import { bodyLimit } from 'hono/body-limit';
import { createMiddleware } from 'hono/factory';
import type { ApiEnvironment } from './context.ts';
import { ownProblem } from './problem.ts';

/** An order of 5000 lines fits. */
const MAXIMUM_BYTES = 1024 * 1024;
/** Deeper ones exhaust the stack of whoever reads them, here or in Postgres. */
const MAXIMUM_DEPTH = 100;

export const limitedBody = bodyLimit({
  maxSize: MAXIMUM_BYTES,
  onError: () => {
    throw ownProblem('body_too_large', `A request body has at most ${MAXIMUM_BYTES} bytes.`, {
      details: { maximum_bytes: MAXIMUM_BYTES },
    });
  },
});

/** A body, where there is one, is JSON; the schema of the endpoint says the rest. */
export const jsonBody = createMiddleware<ApiEnvironment>(async (c, next) => {
  const text = ['GET', 'HEAD', 'OPTIONS'].includes(c.req.method) ? '' : await c.req.text();
  const contentType = c.req.header('content-type');
  if (text !== '' && !/^application\/json\s*(;|$)/i.test(contentType ?? '')) {
    throw ownProblem(
      'unsupported_media_type',
      `The body must be application/json, not ${contentType ?? 'of no type'}.`,
      { headers: { accept: 'application/json' } },
    );
  }
  if (text !== '' && !isJson(text)) {
    throw ownProblem(
      'invalid_json',
      `The body is not JSON, or is nested deeper than ${MAXIMUM_DEPTH}.`,
    );
  }
  await next();
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
  } catch {
    return false;
  }
  return depth(text) <= MAXIMUM_DEPTH;
}

/** Of JSON: in any other text the pattern would look for the end of a string again and again. */
function depth(text: string): number {
  let deepest = 0;
  let now = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/gs)) {
    if (token === '{' || token === '[') now += 1;
    if (token === '}' || token === ']') now -= 1;
    deepest = Math.max(deepest, now);
  }
  return deepest;
}
