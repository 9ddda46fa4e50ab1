import type { ServerResponse } from 'node:http';

/** An answer that the gateway gives itself, in the words of Supabase's gateway. */
export interface Refusal {
  status: number;
  code: string;
  message: string;
  hint?: string;
  details?: string;
}

export const missingKey: Refusal = {
  status: 401,
  code: 'UNAUTHORIZED_MISSING_API_KEY',
  message: 'No API key found in request',
  hint: 'No `apikey` request header or url param was found.',
};

export const invalidKey: Refusal = {
  status: 401,
  code: 'UNAUTHORIZED_INVALID_API_KEY',
  message: 'Invalid API key',
  hint: 'Double check your Supabase `apikey`.',
};

export const missingJwt: Refusal = {
  status: 401,
  code: 'UNAUTHORIZED_NO_AUTH_HEADER',
  message: 'Missing authorization header',
};

export const invalidJwt: Refusal = {
  status: 401,
  code: 'UNAUTHORIZED_INVALID_JWT_FORMAT',
  message: 'Invalid JWT',
};

export const functionNotFound: Refusal = {
  status: 404,
  code: 'NOT_FOUND',
  message: 'Requested function was not found',
};

export const notServed: Refusal = {
  status: 404,
  code: 'NOT_FOUND',
  message: 'no Route matched with those values',
  hint: 'The local stack serves /rest/v1, /auth/v1, /functions/v1 and /docs.',
};

export function unavailable(cause: unknown): Refusal {
  return {
    status: 503,
    code: 'SERVICE_UNAVAILABLE',
    message: 'The part of the stack that answers this is down',
    details: cause instanceof Error ? cause.message : String(cause),
    hint: 'It is started again with the next request; the output of the stack says why it ended.',
  };
}

export function refuse(response: ServerResponse, { status, ...body }: Refusal): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'sb-error-code': body.code,
    // Without it a browser hides the answer from the page.
    'access-control-allow-origin': '*',
  });
  response.end(JSON.stringify(body));
}
