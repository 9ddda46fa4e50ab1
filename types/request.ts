import pRetry from 'p-retry';
import { errorOfResponse, failedResponse, isConnectionLost } from './failed-response.ts';
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

interface Response {
  status: number;
  error: unknown;
  data: unknown;
  count: number | null;
}

export interface Request {
  procedure: string;
  /** Makes the call, with the same arguments at every attempt. */
  call: (signal: AbortSignal) => PromiseLike<Response>;
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
    const { status, error, data, count } = await call(
      signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    );
    // a body of null would be an error of null
    if (error === null && status < 300) return { data, count, attempt };
    const failure = failedResponse(status, error);
    if (!isConnectionLost(failure)) throw errorOfResponse(procedure, failure, key);
    throw new LedgerError(
      'connection_lost',
      `${procedure}: no answer after ${attempt} attempt(s), ${failure.error.message || `status ${status}`}. ${advice}`,
      { ...key, attempts: attempt },
      error,
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
