import type { LedgerErrorCode } from './error-codes.ts';

/** What every method of the client throws, and nothing else. */
export class LedgerError extends Error {
  override readonly name = 'LedgerError';
  readonly code: LedgerErrorCode;
  /**
   * The figures behind the message. Of a business refusal they are `error_details` as the database
   * gives them, in snake_case; amounts in minor units. Of what went wrong otherwise, `idempotencyKey`
   * is the key that the call was sent with, to ask again with.
   */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: LedgerErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ) {
    super(message, cause === undefined ? {} : { cause });
    this.code = code;
    this.details = details;
  }
}
