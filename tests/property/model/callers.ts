import { type Actor, type Answer, type Call, refused, type Success, type Value } from './calls.ts';
import type { Shop } from './shop.ts';

/** The caller may not do this at all: no business refusal, but SQLSTATE 42501. */
export class Denied extends Error {}

/** The id of a signed-in caller, null for a backend. */
export function userOf(actor: Actor): string | null {
  return typeof actor === 'string' ? null : actor.userId;
}

/** DESIGN section 4, rule 8: who is acting; only a backend may say for whom. */
export function requireCaller(actor: Actor, namedActor?: string): void {
  if (actor === 'anon') throw new Denied('nobody is signed in');
  const userId = userOf(actor);
  if (userId !== null && namedActor !== undefined && namedActor !== userId) {
    throw new Denied('p_actor_id names somebody else');
  }
}

/** A backend has every permission. */
export function hasPermission(shop: Shop, actor: Actor, permission: string): boolean {
  const userId = userOf(actor);
  return userId === null || shop.people.get(userId)?.permissions.has(permission) === true;
}

export function requirePermission(shop: Shop, actor: Actor, permission: string): void {
  if (!hasPermission(shop, actor, permission)) throw new Denied(permission);
}

/** The customer a call is about: the one named, which takes a permission, or the caller. */
export function customerOf(
  shop: Shop,
  actor: Actor,
  named: string | undefined,
  permission: string,
): string | null {
  requireCaller(actor);
  if (named !== undefined && named !== userOf(actor)) requirePermission(shop, actor, permission);
  return named ?? userOf(actor);
}

/**
 * DESIGN section 4, rule 3: the same caller, procedure and key gets the same answer, other arguments
 * are a conflict, and a refusal is not stored.
 */
export function once(
  shop: Shop,
  call: Call,
  request: readonly unknown[],
  answer: () => Answer,
): Answer {
  const key = 'p_idempotency_key' in call.args ? call.args.p_idempotency_key : undefined;
  if (key === undefined) return answer();
  if (key.length === 0) return refused('invalid_idempotency_key', { length: 0n });
  const slot = JSON.stringify([userOf(call.actor), call.procedure, key]);
  const asked = JSON.stringify(request, (_, value) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
  const earlier = shop.answered.get(slot);
  if (earlier) {
    return earlier.request === asked
      ? earlier.answer
      : refused('idempotency_conflict', { key, procedure: call.procedure });
  }
  const given = answer();
  if (given.kind === 'success') shop.answered.set(slot, { request: asked, answer: given });
  return given;
}

/** The ids that a success made. The database chooses them; the model only repeats them. */
export type Names = Record<string, Value>;

export function named(names: Names, columns: Record<string, Value>, ...ids: string[]): Success {
  const chosen = Object.fromEntries(ids.map((id) => [id, names[id] ?? `no ${id}`]));
  return { kind: 'success', columns: { ...chosen, ...columns } };
}
