import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { createClient } from '@supabase/supabase-js';
import { afterAll } from 'vitest';
import { createOrderLedger, type OrderLedger } from '../../types/index.ts';
import '../../local/websocket.ts';

/** How the server treats one request. */
export type Treatment = (response: ServerResponse) => void;

export interface ReceivedCall {
  procedure: string;
  args: Record<string, unknown>;
  search: URLSearchParams;
}

export interface FakeRest {
  url: string;
  calls: ReceivedCall[];
  /** What the next requests meet, in their order; one more than that is a 500. */
  willAnswer(...treatments: Treatment[]): void;
  ledger(options?: { retries?: number; attemptTimeout?: number }): OrderLedger;
}

/** A server over real sockets that answers as told, for one test file. */
export async function startFakeRest(): Promise<FakeRest> {
  const calls: ReceivedCall[] = [];
  let treatments: Treatment[] = [];

  async function treat(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    const args = (await json(request)) as Record<string, unknown>;
    calls.push({ procedure: pathname.replace('/rest/v1/rpc/', ''), args, search: searchParams });
    const treatment = treatments.shift() ?? answer(500, { message: 'no treatment is left' });
    treatment(response);
  }

  const server = createServer((request, response) => {
    treat(request, response).catch((error: Error) => response.destroy(error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterAll(async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  });

  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const supabase = createClient(url, 'sb_publishable_test', { auth: { persistSession: false } });
  return {
    url,
    calls,
    willAnswer(...next) {
      treatments = next;
      calls.length = 0;
    },
    ledger: (options) => createOrderLedger(supabase, { retryDelay: 1, ...options }),
  };
}

export function answer(
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): Treatment {
  return (response) => {
    const isText = typeof body === 'string';
    response.writeHead(status, {
      'content-type': isText ? 'text/html' : 'application/json',
      ...headers,
    });
    response.end(isText ? body : JSON.stringify(body));
  };
}

export const success = (columns: Record<string, unknown>) =>
  answer(200, {
    success: true,
    transaction_id: null,
    error_code: null,
    error_message: null,
    error_details: null,
    ...columns,
  });

export const refusal = (code: string, message: string, details: Record<string, unknown> = {}) =>
  answer(200, {
    success: false,
    transaction_id: null,
    error_code: code,
    error_message: message,
    error_details: details,
  });

/** The connection is reset before a byte of the answer. */
export const reset: Treatment = (response) => {
  response.socket?.resetAndDestroy();
};

/** The connection ends in the middle of the answer. */
export const cutOff: Treatment = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 });
  response.write('{"success": tr', () => response.socket?.resetAndDestroy());
};

/** No answer ever comes. */
export const silence: Treatment = () => {};
