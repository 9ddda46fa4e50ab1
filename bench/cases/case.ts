import type postgres from 'postgres';
import type { World } from '../world/world.ts';

export type Value = string | number | null;
export type Row = Record<string, unknown>;

/** A statement as it goes over the wire: prepared once per connection, then only bound. */
export interface Statement {
  text: string;
  values: Value[];
}

/** Signed changes of the shop's sums; a sum that is not named does not move. */
export interface Movement {
  earned?: number;
  spent?: number;
  stock?: number;
}

/** Operations that stand ready, outside the clock; operation i may be sent from any connection. */
export interface Work {
  /** One statement, or a whole transaction that goes out in one piece. */
  operation(index: number): Statement[];
  /** So many operations in a row belong to one connection, each waiting for the one before. */
  chain?: number;
  /** What is wrong with an operation's rows (of each statement), if anything is. */
  complaint?(rows: Row[][]): string | undefined;
  /** Milliseconds that the database spent on an operation, where it says so itself. */
  databaseTime?(rows: Row[][]): number;
  /** What all operations together have moved in the shop's sums. */
  moves: Movement;
  /** Throws when an effect that the sums do not show is missing. */
  verify?(sql: postgres.Sql): Promise<void>;
}

export interface Shop {
  sql: postgres.Sql;
  world: World;
  /** Does operations outside the clock; gives the first row of each one's answer, in order. */
  run(work: Work, count: number): Promise<Row[]>;
}

export interface Case {
  name: string;
  /** One sentence. */
  title: string;
  /** Per round with 8 connections or more; sized so that a round takes one to three seconds. */
  operations: number;
  /** Names of what it is held against, in the same rounds; the first is the one of its target. */
  against: string[];
  /** It writes nothing, so the books that the cell before left need no new look. */
  onlyReads?: true;
  prepare(shop: Shop, count: number): Promise<Work>;
}

/** Procedures answer one row, and a refusal is no result. */
export function refusal(rows: Row[][]): string | undefined {
  const answer = rows[0]?.[0];
  if (answer?.success === true) return undefined;
  return `${String(answer?.error_code)}: ${String(answer?.error_message)}`;
}

const jsonArguments = new Set(['p_items', 'p_lines', 'p_changes']);

/** A call of a procedure on the backend's connection, with the arguments by name. */
export function call(procedure: string, args: Record<string, Value>): Statement {
  const named = Object.keys(args).map((name, index) => {
    // texts, so that the client spends nothing on making JSON inside the clock
    const cast = jsonArguments.has(name) ? '::text::jsonb' : '';
    return `${name} => $${index + 1}${cast}`;
  });
  return {
    text: `select * from public.${procedure}(${named.join(', ')})`,
    values: Object.values(args),
  };
}

/** A place in a list, the same for the same index in every run, and spread evenly. */
export function spot(length: number, index: number, salt = 0): number {
  let hash = Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(salt + 1, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return ((hash ^ (hash >>> 15)) >>> 0) % length;
}

export function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new Error(`there are ${list.length} and not ${index + 1}`);
  return found;
}

export const pick = <T>(list: readonly T[], index: number, salt = 0): T =>
  at(list, spot(list.length, index, salt));
