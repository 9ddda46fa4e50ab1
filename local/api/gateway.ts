import { Agent, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { createProxyServer } from 'httpxy';
import { errors, jwtVerify } from 'jose';
import { jwtSecretBytes, type Keys } from '../keys.ts';
import { apiKeyCheck } from './api-key.ts';
import { docsPage } from './docs.ts';
import type { EdgeFunction } from './functions.ts';
import type { OnDemand } from './on-demand.ts';
import {
  functionNotFound,
  invalidJwt,
  missingJwt,
  notServed,
  type Refusal,
  refuse,
  unavailable,
} from './refusal.ts';

export interface Upstreams {
  rest: OnDemand;
  auth: (request: Request) => Promise<Response>;
  functions: Map<string, EdgeFunction>;
}

export interface Gateway {
  listener: RequestListener;
  /** Closes the connections kept for the next request, which a server would wait for to end. */
  disconnect(): void;
}

/** Auth pages that a browser opens by a link, which carries no key. */
const openAuthPath = /^\/auth\/v1\/(verify|callback|authorize|\.well-known\/[^?]*)(\?|$)/;
/** As long as a hosted function may take. */
const upstreamTimeout = 150_000;
/** Shorter than PostgREST's 30 s, so that no request goes into a connection that is being closed. */
const upstreamIdleTimeout = 10_000;

/** Checks the key of each request and passes it on to the part that its path names. */
export function gateway(keys: Keys, { rest, auth, functions }: Upstreams): Gateway {
  const agent = new Agent({ keepAlive: true, timeout: upstreamIdleTimeout });
  const proxy = createProxyServer({ agent, proxyTimeout: upstreamTimeout });
  const applyKey = apiKeyCheck(keys);
  const verifyJwt = jwtCheck(keys);
  const authListener = getRequestListener(auth, { overrideGlobalObjects: false });
  const docsListener = getRequestListener(docsPage().fetch, { overrideGlobalObjects: false });

  async function pass(to: OnDemand, request: IncomingMessage, response: ServerResponse) {
    // What a client claims about its address would end up in the audit log.
    request.headers['x-forwarded-for'] = request.socket.remoteAddress ?? '';
    const { port } = await to.get();
    await proxy.web(request, response, { target: { host: '127.0.0.1', port } });
  }

  async function route(request: IncomingMessage, response: ServerResponse) {
    // A browser asks what it may send before it sends a key.
    const preflight = request.method === 'OPTIONS';
    const url = request.url ?? '/';

    if (isBelow('/rest/v1', url)) {
      const refusal = preflight ? undefined : applyKey(request);
      if (refusal !== undefined) return refuse(response, refusal);
      request.url = below('/rest/v1', request.url ?? '/');
      return pass(rest, request, response);
    }

    if (isBelow('/auth/v1', url)) {
      const refusal = preflight || openAuthPath.test(url) ? undefined : applyKey(request);
      if (refusal !== undefined) return refuse(response, refusal);
      return authListener(request, response);
    }

    if (isBelow('/functions/v1', url)) {
      // Webhooks come without a key: here it gives a role, and verify_jwt says who is let in.
      applyKey(request);
      request.url = below('/functions/v1', request.url ?? '/');
      const target = functions.get(/^\/([^/?]*)/.exec(request.url)?.[1] ?? '');
      if (target === undefined) return refuse(response, functionNotFound);
      const refusal = target.verifyJwt && !preflight ? await verifyJwt(request) : undefined;
      if (refusal !== undefined) return refuse(response, refusal);
      return pass(target.server, request, response);
    }

    if (isBelow('/docs', url)) return docsListener(request, response);

    return refuse(response, notServed);
  }

  return {
    listener: (request, response) => {
      route(request, response).catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else refuse(response, unavailable(error));
      });
    },
    disconnect: () => agent.destroy(),
  };
}

function jwtCheck(keys: Keys) {
  const secret = jwtSecretBytes(keys);
  return async (request: IncomingMessage): Promise<Refusal | undefined> => {
    const token = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined) return missingJwt;
    try {
      await jwtVerify(token, secret, { algorithms: ['HS256'] });
      return undefined;
    } catch (error) {
      if (error instanceof errors.JOSEError) return invalidJwt;
      throw error;
    }
  };
}

function isBelow(prefix: string, url: string): boolean {
  return url.startsWith(prefix) && ['/', '?', undefined].includes(url[prefix.length]);
}

function below(prefix: string, url: string): string {
  const rest = url.slice(prefix.length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}
