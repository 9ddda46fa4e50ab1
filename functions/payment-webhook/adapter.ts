import type { CardEvent } from '../../types/procedures/cards.ts';

/**
 * What this shop knows of a card provider: how its webhooks read. An adapter calls nobody; an event
 * that it has no use for gives none, and a body that is not the provider's throws a ZodError.
 */
export interface Adapter {
  /** The last part of the webhook's path, and the provider's name in the books. */
  name: string;
  toEvents(body: unknown): CardEvent[];
}
