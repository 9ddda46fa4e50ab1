import type { ApiContext } from './context.ts';
import { answerOf, type Row } from './database.ts';
import { Problem, refusal } from './problem.ts';

/** What a path names. */
export interface Subject {
  relation: 'orders' | 'shipments' | 'returns' | 'payments' | 'refunds';
  /** The parameter of the path. */
  parameter: string;
  notFound: string;
}

export const theOrder: Subject = {
  relation: 'orders',
  parameter: 'order_id',
  notFound: 'order_not_found',
};

/** Who lacks a permission is told so of what they see; of the rest they are not told that it is there. */
export async function requireSeen(
  c: ApiContext,
  error: unknown,
  { relation, parameter, notFound }: Subject,
  path: Row,
): Promise<void> {
  if (!(error instanceof Problem) || error.code !== 'permission_denied') return;
  const id = path[parameter];
  const seen = c.get('database').client.from(relation).select('id').eq('id', id).maybeSingle();
  if ((await answerOf(seen)) !== null) return;
  throw refusal(notFound, `There is no such ${relation.slice(0, -1)}.`, { [parameter]: id });
}
