import { z } from 'zod';
import { businessErrors, type LedgerErrorCode } from './error-codes.ts';
import { LedgerError } from './ledger-error.ts';

/** A call that failed, as supabase-js tells it; status 0 when no answer came. */
export interface FailedResponse {
  status: number;
  error: z.output<typeof errorSchema>;
}

/** PostgREST's errors have this shape; gateways and proxies answer whatever they like. */
const errorSchema = z
  .object({
    message: z.string().catch(''),
    code: z.string().catch(''),
    details: z.unknown().optional(),
    hint: z.string().catch(''),
  })
  .catch({ message: '', code: '', details: undefined, hint: '' });

export function failedResponse(status: number, error: unknown): FailedResponse {
  return { status, error: errorSchema.parse(error) };
}

/** PostgREST cannot reach the database, or the database server is going away or coming up. */
const lostInTheBackend = /^(PGRST00[0-3]|08...|57P0[1-5]|53300)$/;
/** Somebody answered; anything else is a gateway's own word. */
const fromTheBackend = /^(PGRST\d{3}|[0-9A-Z]{5})$/;
/** Gateways that get no answer from behind; 52x are Cloudflare's, which stands before Supabase. */
const gatewayStatuses = new Set([502, 503, 504, 520, 521, 522, 523, 524]);

export function isConnectionLost({ status, error }: FailedResponse): boolean {
  if (status === 0 || lostInTheBackend.test(error.code)) return true;
  return gatewayStatuses.has(status) && !fromTheBackend.test(error.code);
}

/** Codes whose own message would not tell a caller what to do. */
const explanations: Record<string, string> = {
  PGRST202: 'The database has no such procedure: its migrations and this client are of two ages.',
  PGRST301: 'The access token is expired or not valid.',
  PGRST303: 'The access token is expired or not valid.',
  '57014': 'It took longer than it may and was rolled back; nothing has changed. Try again.',
  '55P03': 'Something it needs is locked for long; nothing has changed. Try again.',
  '22P05': 'A text contains a NUL character, which the database cannot store.',
  '22021': 'A text contains a character that the database cannot store.',
};

/** The error for an answer that is none of the procedure's own; it is not worth a repetition. */
export function errorOfResponse(
  procedure: string,
  response: FailedResponse,
  key: { idempotencyKey?: string },
): LedgerError {
  const { status, error } = response;
  if (isRefusal(error)) return new LedgerError(error.hint, error.message, {}, error);
  const given = error.code || `http_${status}`;
  const sentences = [
    `${procedure}: ${error.message.slice(0, 500) || `the server answered ${status}`}`,
    explanations[given],
    error.hint,
    status === 401 ? 'Sign in and send an access token that is still valid.' : undefined,
  ];
  const details = { status, code: given, details: error.details, hint: error.hint, ...key };
  return new LedgerError(
    ledgerCode(status, given),
    sentences.filter(isGiven).map(closed).join(' '),
    Object.fromEntries(Object.entries(details).filter(([, value]) => isGiven(value))),
    error,
  );
}

/** What answers rows refuses by raising PTnnn, with its business code as the hint. */
const isRefusal = ({ code, hint }: FailedResponse['error']) =>
  /^PT\d{3}$/.test(code) && hint in businessErrors;

function ledgerCode(status: number, given: string): LedgerErrorCode {
  // supabase-js calls an answer that is no JSON an error, also when its status is not one
  if (status < 300) return 'unexpected_answer';
  if (given === '42501' || status === 401 || status === 403) return 'permission_denied';
  return given;
}

const isGiven = <T>(value: T): value is NonNullable<T> =>
  value !== undefined && value !== null && value !== '';

const closed = (sentence: string) => (/[.!?]$/.test(sentence) ? sentence : `${sentence}.`);
