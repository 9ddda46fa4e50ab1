import type { z } from 'zod';
import type { BusinessErrorCode } from './error-codes.ts';

interface Callable {
  /** The function in the database. */
  name: string;
  summary: string;
  /** Arguments by their names in camelCase: `orderId` is `p_order_id` on the wire. */
  input: z.ZodObject;
}

/** Answers one row that says success, with its own columns, or names the refusal. */
export interface Operation extends Callable {
  answers: 'result';
  /**
   * Whatever creates or moves something takes a key, and a lost call is sent again with the same
   * one. What takes none is harmless to send twice: it only reads, or its second time finds
   * nothing left to do.
   */
  takesIdempotencyKey: boolean;
  /** Columns of a success by their names in camelCase. */
  output: z.ZodObject;
  /**
   * Without a key the repetition of a lost call is refused when the lost one had its effect: this
   * refusal then means that it is done.
   */
  doneWhenRefusedOnRepeat?: BusinessErrorCode;
  /** Each call goes on where the last one stopped, so that one too many does no harm. */
  goesOn?: true;
}

/** Answers any number of rows. Only reads. */
export interface Listing extends Callable {
  answers: 'rows';
  row: z.ZodType;
  /** Fields that order the rows, so that long lists can be read page by page. */
  orderBy: readonly string[];
}

/** Answers a row for each thing that it was asked for, and each says its own success or refusal. */
export interface Batch extends Callable {
  answers: 'results';
  takesIdempotencyKey: true;
  row: z.ZodObject;
}

/** What there is to know of a procedure: the client, edge functions and API documents read it. */
export type Procedure = Operation | Listing | Batch;
