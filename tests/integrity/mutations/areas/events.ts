import type { Mutation } from '../mutation.ts';

/** Makes seals anew over what there is now, as somebody would who knows how they are made. */
const reseal = (seals: string) => `
  do $$
  declare
    v_seal public.event_seals;
    v_previous bytea;
    v_hash bytea;
    v_fingerprints bytea;
    v_ids bigint[];
  begin
    for v_seal in select s.* from public.event_seals s where ${seals} order by s.seal_number loop
      v_previous := coalesce(v_hash, v_seal.previous_hash);
      select ledger.seal_hash(v_previous, string_agg(ledger.event_canonical(e), e'\\n' order by e.written_by_xid, e.id)),
             array_agg(e.id order by e.written_by_xid, e.id),
             string_agg(ledger.event_fingerprint(ledger.event_canonical(e)), '' order by e.written_by_xid, e.id)
      into v_hash, v_ids, v_fingerprints
      from ledger.events_under_seal(ledger.seal_before(v_seal.seal_number), v_seal) e;
      update public.event_fingerprints f set seal_hash = v_hash, event_ids = v_ids, fingerprints = v_fingerprints where f.seal_hash = v_seal.hash;
      update public.event_seals s set previous_hash = v_previous, hash = v_hash where s.seal_number = v_seal.seal_number;
    end loop;
  end $$`;

const SEAL_OF = (event: string) =>
  `s.seal_number = (select min(c.seal_number) from public.event_seals c where c.highest_event_id >= ${event})`;

/** What the messages about these seals say of them. */
const told = (first: number, last: number, how: 'another than was told' | 'gone') =>
  Array.from({ length: last - first + 1 }, (_, n) => first + n).flatMap((seal) => [
    `seal none: seal ${seal} ${how === 'gone' ? 'was told of and is gone' : 'is another than was told'}`,
    `seal_equals_its_message seal ${seal}`,
  ]);

const lessEarned = `update public.immutable_events set payload = jsonb_set(payload, '{effect,total_earned}', '1') where id = <event account.credited dora 1>`;
const another = `update public.immutable_events set payload = payload || '{"note": "rewritten"}' where id = <event stock.reserved ann 1>`;

/** Events, the texts beside them, and the seals over them. */
export const events: Mutation[] = [
  {
    what: 'an event without money that is gone',
    statement: 'delete from public.immutable_events where id = <event stock.reserved ann 1>',
    found: [
      'message_has_its_event message of event stock.reserved ann 1',
      'seal 8: event stock.reserved ann 1 is missing',
      'stock_replays_from_events HOT held',
    ],
  },
  {
    what: 'a deposit whose event is gone',
    statement: 'delete from public.immutable_events where id = <event account.credited bob 1>',
    found: [
      'account_events_have_no_gap bob',
      'account_totals_replay_from_events bob',
      'message_has_its_event message of event account.credited bob 1',
      'seal 1: event account.credited bob 1 is missing',
      'transaction_equals_its_event transaction bob 1',
    ],
  },
  {
    what: 'an order whose event is gone',
    statement: 'delete from public.immutable_events where id = <event order.placed bob 1>',
    found: [
      'account_events_have_no_gap bob',
      'account_totals_replay_from_events bob',
      'message_has_its_event message of event order.placed bob 1',
      'order_equals_its_placing order bob 1',
      'order_replays_from_events order bob 1 credited_amount',
      'order_replays_from_events order bob 1 paid_amount',
      'order_replays_from_events order bob 1 payment_status',
      'order_replays_from_events order bob 1 refunded_amount',
      'order_replays_from_events order bob 1 total_amount',
      'order_replays_from_events order bob 1 wallet_amount',
      'order_replays_from_events order bob 1 wallet_refunded_amount',
      'order_status_equals_history order bob 1',
      'seal 1: event order.placed bob 1 is missing',
      'stock_replays_from_events MUG on_hand',
      'transaction_equals_its_event transaction bob 2',
    ],
  },
  {
    what: 'an event that never was, among others',
    statement: `insert into public.immutable_events (id, occurred_at, event_type, stream_type, stream_id, account_id, payload, correlation_id, written_by_xid)
      select 100000, occurred_at, 'profile.greeted', stream_type, stream_id, null, '{}', correlation_id, written_by_xid
      from public.immutable_events where id = <event referral.registered none 1>`,
    found: ['event_has_its_message 100000', 'seal 2: event 100000 was inserted'],
  },
  {
    what: 'an event of a transaction that has not been',
    statement: `insert into public.immutable_events (id, event_type, stream_type, stream_id, payload, correlation_id, written_by_xid)
      values (100000, 'profile.greeted', 'profile', <user ann>, '{}', gen_random_uuid(), 4000000000)`,
    found: [
      'event_has_its_message 100000',
      'seal none: 1 events were inserted where no seal reaches',
    ],
  },
  {
    what: 'an event that says a little more',
    statement: another,
    found: ['seal 8: event stock.reserved ann 1 was changed'],
  },
  {
    what: 'an event that says less was paid in',
    statement: lessEarned,
    found: [
      'account_totals_replay_from_events dora',
      'seal 7: event account.credited dora 1 was changed',
    ],
  },
  {
    what: 'an event of somebody else',
    statement:
      'update public.immutable_events set account_id = <bob> where id = <event withdrawal.requested ann 1>',
    found: [
      'account_events_have_no_gap ann',
      'account_events_have_no_gap bob',
      'account_totals_replay_from_events ann',
      'account_totals_replay_from_events bob',
      'seal 1: event withdrawal.requested ann 1 was changed',
      'transaction_equals_its_event transaction ann 9',
      'withdrawal_equals_its_events withdrawal ann 1',
    ],
  },
  {
    what: 'an event of another order',
    statement:
      'update public.immutable_events set stream_id = <order ann 1> where id = <event order.placed bob 1>',
    found: [
      'order_equals_its_placing order ann 1',
      'order_equals_its_placing order bob 1',
      'order_replays_from_events order ann 1 paid_amount',
      'order_replays_from_events order ann 1 total_amount',
      'order_replays_from_events order ann 1 wallet_amount',
      'order_replays_from_events order bob 1 credited_amount',
      'order_replays_from_events order bob 1 paid_amount',
      'order_replays_from_events order bob 1 payment_status',
      'order_replays_from_events order bob 1 refunded_amount',
      'order_replays_from_events order bob 1 total_amount',
      'order_replays_from_events order bob 1 wallet_amount',
      'order_replays_from_events order bob 1 wallet_refunded_amount',
      'order_status_equals_history order bob 1',
      'seal 1: event order.placed bob 1 was changed',
      'transaction_equals_its_event transaction bob 2',
    ],
  },
  {
    what: 'an event of another time',
    statement: `update public.immutable_events set occurred_at = occurred_at - interval '1 second' where id = <event order.placed bob 1>`,
    found: [
      'message_has_its_event message of event order.placed bob 1',
      'seal 1: event order.placed bob 1 was changed',
    ],
  },
  {
    what: 'an event of another kind',
    statement: `update public.immutable_events set event_type = 'order.noted' where id = <event order.return_requested ann 1>`,
    found: [
      'message_has_its_event message of event order.return_requested ann 1',
      'seal 9: event order.return_requested ann 1 was changed',
    ],
  },
  {
    what: 'an event that somebody else did',
    statement:
      'update public.immutable_events set actor_id = <user carol> where id = <event stock.reserved ann 1>',
    found: ['seal 8: event stock.reserved ann 1 was changed'],
  },
  {
    what: 'an order that its event sends elsewhere',
    statement: `update public.immutable_events set payload = jsonb_set(payload, '{to_status}', '"shipped"') where id = <event order.status_changed dora 2>`,
    found: [
      'order_status_equals_history order market',
      'seal 7: event order.status_changed dora 2 was changed',
    ],
  },
  {
    what: 'an edited event with its seal recomputed',
    statement: [another, reseal(SEAL_OF('<event stock.reserved ann 1>'))],
    found: ['seal 9: does not continue the seal before it', ...told(8, 8, 'another than was told')],
  },
  {
    what: 'an edited event with its seal and all after it recomputed',
    statement: [another, reseal('true')],
    found: [
      'seal 14: is not the seal whose hash was kept',
      ...told(8, 14, 'another than was told'),
    ],
  },
  {
    what: 'an edited event with all seals and their messages recomputed',
    statement: [
      another,
      reseal('true'),
      `update ledger.outbox o set payload = o.payload || jsonb_build_object('hash', encode(s.hash, 'hex'))
       from public.event_seals s where o.type = 'events.sealed' and s.seal_number::text = o.payload ->> 'seal_number'`,
    ],
    found: ['seal 14: is not the seal whose hash was kept'],
  },
  {
    what: 'an edited deposit with all seals recomputed',
    statement: [lessEarned, reseal('true')],
    found: [
      'account_totals_replay_from_events dora',
      'seal 14: is not the seal whose hash was kept',
      ...told(7, 14, 'another than was told'),
    ],
  },
  {
    what: 'a seal that is gone',
    statement: 'delete from public.event_seals where seal_number = 4',
    found: ['seal 5: a seal before this one is missing', ...told(4, 4, 'gone')],
  },
  {
    what: 'the newest seal that is gone',
    statement:
      'delete from public.event_seals where seal_number = (select max(seal_number) from public.event_seals)',
    found: ['seal 14: is not the seal whose hash was kept', ...told(14, 14, 'gone')],
  },
  {
    what: 'a seal with another hash',
    statement: `update public.event_seals set hash = sha256('another') where seal_number = 4`,
    found: [
      'seal 4: has another hash than its events: they or the seal were remade',
      'seal 5: does not continue the seal before it',
      ...told(4, 4, 'another than was told'),
    ],
  },
  {
    what: 'a list of sealed events that is gone',
    statement:
      'delete from public.event_fingerprints where seal_hash = (select hash from public.event_seals where seal_number = 4)',
    found: ['seal 4: holds, but the list of its events is gone'],
  },
  {
    what: 'words beside an event that were changed',
    statement: `update public.event_texts set texts = '{"reason": "nothing"}' where event_id = <event account.frozen ann 1>`,
    found: ['text_is_its_events event account.frozen ann 1'],
  },
  {
    what: 'words beside an event that are gone',
    statement: 'delete from public.event_texts where event_id = <event account.frozen ann 1>',
    found: ['event_has_its_text event account.frozen ann 1'],
  },
];
