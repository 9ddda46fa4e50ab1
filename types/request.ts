import pRetry from 'p-retry';
import { errorOfResponse, type FailedResponse, isConnectionLost } from './failed-response.ts';
import { LedgerError } from './ledger-error.ts';

/** How calls are sent, and sent again when the connection is lost. */
export interface Sending {
  /** How often a call is sent again; 5 unless told. */
  retries: number;
  /** Milliseconds before the first repetition, somewhat random and doubling from there; 250. */
  retryDelay: number;
  /** Milliseconds after which an attempt without an answer counts as lost; 30,000. */
  attemptTimeout: number;
}

interface GoodResponse {
  error: null;
  data: unknown;
  count: number | null;
}

export interface Request {
  procedure: string;
  /** Makes the call, with the same arguments at every attempt. */
  call: (signal: AbortSignal) => PromiseLike<GoodResponse | FailedResponse>;
  idempotencyKey?: string | undefined;
  signal?: AbortSignal | undefined;
}

export interface Answer {
  data: unknown;
  /** Of all rows, where it was asked for. */
  count: number | null;
  /** The attempt that was answered, from 1. */
  attempt: number;
}

/** The answer to a request, which is sent again for as long as only the connection fails. */
export async function send(request: Request, sending: Sending): Promise<Answer> {
  const { procedure, call, idempotencyKey, signal } = request;
  const key = idempotencyKey === undefined ? {} : { idempotencyKey };
  const advice =
    idempotencyKey === undefined
      ? 'It can be asked again.'
      : 'Whether it had its effect is not known; ask again with the same idempotency key.';

  const attemptOnce = async (attempt: number): Promise<Answer> => {
    const timeout = AbortSignal.timeout(sending.attemptTimeout);
    const response = await call(
      signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    );
    if (response.error === null) return { data: response.data, count: response.count, attempt };
    if (!isConnectionLost(response)) throw errorOfResponse(procedure, response, key);
    throw new LedgerError(
      'connection_lost',
      `${procedure}: no answer after ${attempt} attempt(s), ${response.error.message}. ${advice}`,
      { ...key, attempts: attempt },
      response.error,
    );
  };

  try {
    return await pRetry(attemptOnce, {
      retries: sending.retries,
      minTimeout: sending.retryDelay,
      randomize: true,
      signal,
      shouldRetry: ({ error }) => error instanceof LedgerError && error.code === 'connection_lost',
    });
  } catch (error) {
    if (!signal?.aborted) throw error;
    throw new LedgerError(
      'aborted',
      `${procedure}: its caller gave up. ${advice}`,
      key,
      signal.reason,
    );
  }
}
