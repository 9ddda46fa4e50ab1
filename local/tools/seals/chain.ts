import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type CanonicalEvent, Unreadable } from './canonical.ts';

export const sealRow = z.object({
  seal_number: z.int(),
  epoch: z.int(),
  epoch_after_event_id: z.int(),
  last_xid: z.int(),
  last_event_id: z.int(),
  event_count: z.int(),
  previous_hash: z.string(),
  hash: z.string(),
});
export type SealRow = z.infer<typeof sealRow>;

export interface History {
  /** Where each epoch begins: events up to this id belong to earlier ones. In order. */
  epochs: number[];
  /** By number. */
  seals: AsyncIterable<SealRow>;
  /** In the order of the chain: by epoch, transaction and id. */
  events: AsyncIterable<CanonicalEvent>;
}

export interface Problem {
  sealNumber: number | null;
  problem: string;
}

export interface Walk {
  seals: number;
  sealedEvents: number;
  /** Events behind the last seal, which wait for theirs. */
  waitingEvents: number;
  problems: Problem[];
}

const HASH_OF_NOTHING = createHash('sha256').digest('hex');

/**
 * Recomputes the chain from its events, reading both once: no more than one event is in memory.
 * `onSeal` is told each seal with the number of events up to it, once it was looked at.
 */
export async function walkChain(
  { epochs, seals, events }: History,
  onSeal: (seal: SealRow, eventsSoFar: number) => void = () => {},
): Promise<Walk> {
  const walk: Walk = { seals: 0, sealedEvents: 0, waitingEvents: 0, problems: [] };
  const queue = inOrder(events, (id) => epochs.filter((after) => after < id).length);
  let event = await queue.next();
  let before = { seal_number: 0, hash: HASH_OF_NOTHING };
  let [epoch, epochIndex] = [0, 0];

  for await (const seal of seals) {
    const say = (problem: string) => walk.problems.push({ sealNumber: seal.seal_number, problem });
    if (seal.epoch !== epoch) [epoch, epochIndex] = [seal.epoch, epochIndex + 1];
    if (seal.seal_number !== before.seal_number + 1) say('a seal before this one is missing');
    if (seal.previous_hash !== before.hash) say('does not continue the seal before it');

    let strays = 0;
    while (!event.done && event.value.epoch < epochIndex) {
      strays++;
      event = await queue.next();
    }
    if (strays > 0) say(`${strays} events before it are under no seal`);

    const hash = createHash('sha256').update(Buffer.from(seal.previous_hash, 'hex'));
    let count = 0;
    while (!event.done && event.value.epoch === epochIndex && isUnder(event.value, seal)) {
      hash.update(count === 0 ? event.value.line : `\n${event.value.line}`);
      count++;
      event = await queue.next();
    }
    if (count !== seal.event_count) say(`covers ${seal.event_count} events, ${count} are there`);
    else if (hash.digest('hex') !== seal.hash) say('has another hash than its events');
    walk.seals++;
    walk.sealedEvents += count;
    before = seal;
    onSeal(seal, walk.sealedEvents);
  }
  for (; !event.done; event = await queue.next()) {
    if (event.value.epoch < epochIndex) {
      walk.problems.push({ sealNumber: null, problem: `event ${event.value.id} is under no seal` });
    } else walk.waitingEvents++;
  }
  return walk;
}

const isUnder = (event: CanonicalEvent, seal: SealRow) =>
  event.xid < seal.last_xid || (event.xid === seal.last_xid && event.id <= seal.last_event_id);

async function* inOrder(events: AsyncIterable<CanonicalEvent>, epochOf: (id: number) => number) {
  let last: { epoch: number; xid: number; id: number } | undefined;
  for await (const { id, xid, line } of events) {
    const event = { id, xid, line, epoch: epochOf(id) };
    if (last) {
      const ahead = event.epoch - last.epoch || xid - last.xid || id - last.id;
      // the same id twice, at different times, is two events: both count
      if (ahead < 0) throw new Unreadable(`event ${id} stands behind event ${last.id}`);
    }
    last = event;
    yield event;
  }
}
