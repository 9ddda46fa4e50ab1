import type { Sql } from '../support/connection.ts';
import type { RacingIntent } from './intents.ts';
import { type Knowledge, learn } from './knowledge.ts';
import type { Answer, Call } from './model/calls.ts';
import { perform } from './perform.ts';
import { resolve } from './resolve.ts';
import type { World } from './world.ts';

export interface Happened {
  call: Call;
  answer: Answer;
  xid: string | null;
}

/**
 * Lets each lane make its calls one after the other while the other lanes make theirs. A lane knows
 * what any lane has been answered so far.
 */
export async function race(
  sql: Sql,
  world: World,
  known: Knowledge,
  lanes: readonly (readonly RacingIntent[])[],
): Promise<Happened[]> {
  const happened: Happened[] = [];
  const run = async (wishes: readonly RacingIntent[]) => {
    for (const wish of wishes) {
      if (wish.kind === 'seal') {
        await sql`select ledger.seal_events()`;
        continue;
      }
      const call = resolve(wish, world, known);
      if (!call) continue;
      known.calls.push(call);
      const { answer, xid } = await perform(sql, call);
      learn(known, call, answer);
      happened.push({ call, answer, xid });
    }
  };
  await Promise.all(lanes.map(run));
  return happened;
}

/**
 * What wrote something, in an order that explains it. An operation takes its event's number after
 * its last lock and before it commits, so of two that touch the same row the earlier one has the
 * lower number. A referral takes no lock that an order takes; it is refused after the customer's
 * first order, so it was before.
 */
export async function inOrder(sql: Sql, happened: readonly Happened[]): Promise<Happened[]> {
  const xids = happened.flatMap(({ xid }) => (xid === null ? [] : [xid]));
  const events = await sql<{ xid: string; first: number }[]>`
    select e.written_by_xid::text as xid, min(e.id) as first
    from public.immutable_events e
    where e.written_by_xid = any (${xids}::text[]::bigint[])
    group by e.written_by_xid
  `;
  const firstEvent = new Map(events.map(({ xid, first }) => [xid, first]));
  const position = ({ call, xid }: Happened) =>
    call.procedure === 'ledger_register_referral' ? 0 : (firstEvent.get(xid ?? '') ?? 0);
  return happened
    .filter(({ xid, answer }) => answer.kind === 'success' && xid !== null)
    .sort((one, other) => position(one) - position(other));
}

/** Transactions and stock movements whose own count does not follow the order of what happened. */
export async function countsOutOfOrder(sql: Sql): Promise<string[]> {
  const rows = await sql<{ what: string }[]>`
    with counted as (
      select concat('account ', e.account_id) as counter, e.id,
        (e.payload ->> 'account_version')::bigint as count
      from public.immutable_events e
      where e.payload ? 'account_version'
      union all
      select concat('stock ', m.variant_id), e.id, m.slot_version
      from public.stock_movements m
      -- a movement is as old as the event that the same call recorded while it held the stock
      left join public.immutable_events e
        on e.written_by_xid = m.xmin::text::bigint
        and e.stream_id = coalesce(m.order_id, m.variant_id)),
    numbered as (
      select c.*, row_number() over (partition by c.counter order by c.id) as position from counted c)
    select concat_ws(' ', n.counter, 'counts', n.count, 'at', n.position) as what
    from numbered n
    where n.count <> n.position
  `;
  return rows.map(({ what }) => what);
}
