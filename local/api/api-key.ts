import type { IncomingMessage } from 'node:http';
import type { Keys } from '../keys.ts';
import { invalidKey, missingKey, type Refusal } from './refusal.ts';

/**
 * Turns the API key of a request into a role as Supabase's gateway does: unless it carries a
 * user's own JWT, the request goes on with the JWT of the key's role.
 */
export function apiKeyCheck(keys: Keys) {
  const roleJwts = new Map([
    [keys.publishableKey, keys.anonJwt],
    [keys.anonJwt, keys.anonJwt],
    [keys.secretKey, keys.serviceRoleJwt],
    [keys.serviceRoleJwt, keys.serviceRoleJwt],
  ]);

  return (request: IncomingMessage): Refusal | undefined => {
    const key = takeKey(request);
    if (key === undefined) return missingKey;
    const roleJwt = roleJwts.get(key);
    if (roleJwt === undefined) return invalidKey;

    const { authorization } = request.headers;
    if (authorization === undefined || /^Bearer\s+sb_/i.test(authorization)) {
      request.headers.authorization = `Bearer ${roleJwt}`;
    }
    return undefined;
  };
}

/** From the header, or from the URL, where PostgREST would read it as a filter if it stayed. */
function takeKey(request: IncomingMessage): string | undefined {
  const inUrl = takeKeyFromUrl(request);
  const inHeader = request.headers.apikey;
  return typeof inHeader === 'string' ? inHeader : inUrl;
}

function takeKeyFromUrl(request: IncomingMessage): string | undefined {
  const url = request.url ?? '/';
  const queryStart = url.indexOf('?');
  if (queryStart === -1) return undefined;

  const parameters = url.slice(queryStart + 1).split('&');
  const isKey = (parameter: string) => parameter.startsWith('apikey=');
  const key = parameters.find(isKey);
  if (key === undefined) return undefined;
  request.url = [url.slice(0, queryStart), parameters.filter((p) => !isKey(p)).join('&')]
    .filter((part) => part !== '')
    .join('?');
  return decodeURIComponent(key.slice('apikey='.length));
}
