import type postgres from 'postgres';
import type { Movement } from '../cases/case.ts';

/** A run whose books do not balance, or whose effects are not there, is no result. */
export class NoResult extends Error {}

type Figures = Record<keyof Required<Movement>, bigint>;

export async function readFigures(sql: postgres.Sql): Promise<Figures> {
  const [row] = await sql<Record<keyof Figures, string>[]>`select * from bench.figures`;
  if (!row) throw new Error('bench.figures is empty');
  return { earned: BigInt(row.earned), spent: BigInt(row.spent), stock: BigInt(row.stock) };
}

export function expectMoved(before: Figures, after: Figures, moves: Movement, what: string): void {
  for (const name of ['earned', 'spent', 'stock'] as const) {
    const moved = after[name] - before[name];
    const expected = BigInt(moves[name] ?? 0);
    if (moved !== expected) {
      throw new NoResult(`${what}: ${name} moved by ${moved} and not by ${expected}`);
    }
  }
}

export async function expectBooksInOrder(sql: postgres.Sql, what: string): Promise<void> {
  const differences = await sql`select * from ledger.book_differences() limit 5`;
  if (differences.length === 0) return;
  const lines = differences.map((row) => JSON.stringify(row));
  throw new NoResult(`${what}: the books do not balance:\n${lines.join('\n')}`);
}
