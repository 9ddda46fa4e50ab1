import { createMiddleware } from 'hono/factory';
import { decodeJwt, errors } from 'jose';
import type { ApiEnvironment } from './context.ts';
import { ownProblem, type Problem } from './problem.ts';

/** Who asks, as they say; PostgREST checks the token before it answers anything. */
export interface Caller {
  kind: 'visitor' | 'user' | 'backend';
  userId: string | undefined;
  /** What is passed on to PostgREST. */
  headers: Record<string, string>;
}

const CORRELATION_ID = 'x-correlation-id';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function callerOf(request: Headers, publishableKey: string): Caller {
  const token = /^Bearer\s+(\S+)$/i.exec(request.get('authorization') ?? '')?.[1];
  // Keys that are no JWT are told apart by their names; one may come in either header.
  const key = token?.startsWith('sb_') ? token : (request.get('apikey') ?? publishableKey);
  const correlationId = request.get(CORRELATION_ID);
  const headers: Record<string, string> = {
    apikey: key,
    // The database takes no other, and PostgREST fails at one that is not UTF-8.
    ...(correlationId !== null && UUID.test(correlationId) && { [CORRELATION_ID]: correlationId }),
  };
  if (token === undefined || token === key) {
    const kind = key.startsWith('sb_secret_') ? 'backend' : 'visitor';
    return { kind, userId: undefined, headers };
  }

  headers.authorization = `Bearer ${token}`;
  const { role, sub } = claims(token);
  if (role === 'service_role') return { kind: 'backend', userId: undefined, headers };
  if (role === 'anon') return { kind: 'visitor', userId: undefined, headers };
  if (role !== 'authenticated' || sub === undefined || !UUID.test(sub)) {
    throw notSignedIn('The access token is not of a user of this project.');
  }
  return { kind: 'user', userId: sub, headers };
}

function claims(token: string): { role?: unknown; sub?: string } {
  try {
    return decodeJwt(token);
  } catch (error) {
    if (error instanceof errors.JOSEError) throw notSignedIn('The access token is not valid.');
    throw error;
  }
}

export function notSignedIn(detail: string): Problem {
  return ownProblem(
    'not_signed_in',
    `${detail} Sign in and send the user's access token as "Authorization: Bearer ...".`,
    { headers: { 'www-authenticate': 'Bearer' } },
  );
}

/** In front of whatever is not for visitors, before anything else of the request is looked at. */
export const signedIn = createMiddleware<ApiEnvironment>(async (c, next) => {
  if (c.get('caller').kind === 'visitor') throw notSignedIn('Nobody is signed in.');
  await next();
});
