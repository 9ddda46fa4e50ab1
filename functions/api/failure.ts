import { failedResponse, isConnectionLost } from '../../types/failed-response.ts';
import { notSignedIn } from './caller.ts';
import { ownProblem, type Problem, refusal } from './problem.ts';

/**
 * Codes for what a request can hold and Postgres cannot: a NUL, a number or a date out of range, too much
 * of it. Whatever else is raised, a violated rule above all, is a defect that somebody has to see.
 */
const fromTheInput = /^(22(P02|P03|P05|003|007|008|021|023)|54...)$/;
/** Something was locked or took too long; nothing has changed. */
const busy = new Set(['57014', '55P03', '40001', '40P01']);

/** The problem for an answer of PostgREST that is none of a procedure's own. */
export function failure(status: number, error: unknown): Problem {
  const response = failedResponse(status, error);
  const { code, message, hint } = response.error;
  if (isConnectionLost(response)) {
    return unavailable(
      'connection_lost',
      'The database does not answer. Ask again, with the same Idempotency-Key.',
      error,
    );
  }
  if (busy.has(code)) {
    return unavailable('busy', 'Something it needs is in use; nothing has changed.', error);
  }
  if (status === 401) return notSignedIn(sentence(message || 'Nobody is signed in'));
  if (status === 403 || code === '42501') {
    const detail = [message, hint].filter((part) => part !== '').map(sentence);
    return ownProblem('permission_denied', detail.join(' '), {}, error);
  }
  // A function that answers rows refuses by raising PTnnn, with its error code as the hint.
  if (/^PT4\d\d$/.test(code) && hint !== '') return refusal(hint, sentence(message));
  if (code === 'PGRST102') {
    const detail = 'A text holds half of a surrogate pair, which the database cannot store.';
    return ownProblem('invalid_input', detail, {}, error);
  }
  if (fromTheInput.test(code)) {
    return ownProblem('invalid_input', sentence(message), {}, error);
  }
  // Its details would put whole rows into the log, names and addresses among them.
  throw new Error(`PostgREST answered ${status}, ${code}: ${message}`);
}

const unavailable = (code: 'connection_lost' | 'busy', detail: string, cause: unknown): Problem =>
  ownProblem(code, detail, { headers: { 'retry-after': '1' } }, cause);

const sentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);
