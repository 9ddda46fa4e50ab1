import { z } from '@hono/zod-openapi';
import type { ApiContext } from './context.ts';
import { answerOf } from './database.ts';
import { ownProblem } from './problem.ts';

/** For lists, which row-level security would only make shorter. */
export async function requirePermission(c: ApiContext, permission: string): Promise<void> {
  if (c.get('caller').kind === 'backend') return;
  const permissions = await answerOf(c.get('database').client.rpc('my_permissions'));
  if (z.array(z.string()).parse(permissions).includes(permission)) return;
  throw ownProblem('permission_denied', `this needs the permission "${permission}".`);
}
