-- With Realtime installed each event of an order is broadcast to the private channel order:<id>, which its
-- customer and order staff may join. Its schema is stood in for by the parts that are used, as
-- Supabase's own migrations make them.
begin;
select plan(24);
select tests.create_customer('alice', 10000), tests.create_customer('bob', 10000), tests.create_staff('warehouse', 'warehouse'), tests.create_staff('vendor', 'vendor');
select tests.create_variant('mug', 10, 1000);
select throws_ok('select ledger.enable_realtime()', 'P0001', null, 'where Realtime is not installed it cannot be switched on');
select is_empty($$ select tgname from pg_trigger where tgrelid = 'public.immutable_events'::regclass and tgname ~ 'broadcast' $$, 'and no order pays for it');

create schema realtime;
grant usage on schema realtime to postgres, anon, authenticated, service_role;
create table realtime.messages (
  topic text not null, extension text not null, payload jsonb, event text, private boolean default false,
  updated_at timestamp not null default now(), inserted_at timestamp not null default now(), id uuid not null default gen_random_uuid(),
  primary key (id, inserted_at)
) partition by range (inserted_at);
create table realtime.messages_now partition of realtime.messages default;
alter table realtime.messages enable row level security;
grant select, insert, update on realtime.messages to postgres, anon, authenticated, service_role;
create function realtime.topic() returns text language sql stable as $$
  select nullif(current_setting('realtime.topic', true), '')::text;
$$;
create function realtime.send(payload jsonb, event text, topic text, private boolean default true) returns void language plpgsql as $$
declare
  generated_id uuid;
  final_payload jsonb;
begin
  begin
    generated_id := gen_random_uuid();
    if payload ? 'id' then
      final_payload := payload;
    else
      final_payload := jsonb_set(payload, '{id}', to_jsonb(generated_id));
    end if;
    execute format('SET LOCAL realtime.topic TO %L', topic);
    insert into realtime.messages (id, payload, event, topic, private, extension)
    values (generated_id, final_payload, event, topic, private, 'broadcast');
  exception
    when others then
      raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
  end;
end $$;
select lives_ok('select ledger.enable_realtime()', 'with it, it can');
select lives_ok('select ledger.enable_realtime()', 'and again');

-- what is pushed
select tests.place_named_order('ring twice', 'alice', tests.items('mug', 2)), tests.place_named_order('other', 'bob', tests.items('mug'));
select tests.expect_success(c) from tests.change_status('ring twice', 'processing', '{"note": "private"}') c;
select tests.expect_success(c) from tests.change_status('ring twice', 'shipped') c;
create temp table channel as select 'order:' || tests.order_id('ring twice') as topic, 'order:' || tests.order_id('other') as others;
grant select on channel to authenticated, anon;
select bag_eq('select m.event, m.payload ->> ''status'' from realtime.messages m, channel c where m.topic = c.topic and m.event in (''order.placed'', ''order.status_changed'')', $$ values
    ('order.placed', 'pending'), ('order.status_changed', 'processing'), ('order.status_changed', 'shipped') $$, 'every status of the order comes to its channel');
select bag_eq('select m.event, (m.payload ->> ''event_id'')::bigint from realtime.messages m', $$ select e.event_type, e.id from immutable_events e where e.stream_type = 'order' $$,
  'and so does every event of an order, and nothing else');
select is_empty('select m.topic from realtime.messages m where not m.private or m.extension <> ''broadcast''', 'as a private broadcast');
select is_empty($$ select m.payload from realtime.messages m where m.payload::text ~ 'ring|private|amount|balance' $$, 'without what people wrote or paid');
select results_eq($$ select m.payload - 'id' - 'event_id' - 'occurred_at' from realtime.messages m, channel c where m.topic = c.topic and m.payload ->> 'status' = 'processing' $$,
  $$ select jsonb_build_object('event_type', 'order.status_changed', 'order_id', o.id, 'order_number', o.order_number, 'from_status', 'pending', 'status', 'processing', 'payment_status', 'paid')
     from orders o where o.notes = 'ring twice' $$, 'it says what happened to which order');

-- who may join: Realtime asks by reading its table as the client, with the topic set
create function pg_temp.may_join(p_who text, p_topic text) returns text language plpgsql as $$
begin
  perform set_config('realtime.topic', p_topic, true);
  return case when tests.count_as(p_who, 'realtime.messages') not in ('0', '42501') then 'yes' else 'no' end;
end $$;
select is(pg_temp.may_join(who, (select case whose when 'hers' then topic else others end from channel)), expected, format('%s: %s on the channel of %s order', expected, who, whose)) from (values
  ('alice', 'hers', 'yes'), ('bob', 'hers', 'no'), ('alice', 'another''s', 'no'), ('warehouse', 'hers', 'yes'), ('vendor', 'hers', 'no'), ('nobody', 'hers', 'no'), ('anon', 'hers', 'no')) v (who, whose, expected);
select is(pg_temp.may_join('alice', topic), 'no', format('nobody joins "%s"', left(topic, 20))) from (values ('order:'), ('order:x'), ('all'), (repeat('order:', 9))) v (topic);
-- a broadcast that fails is a warning; the order goes on
set local client_min_messages = error;
create or replace function realtime.send(payload jsonb, event text, topic text, private boolean default true) returns void language plpgsql as $$
begin
  raise exception 'realtime is down';
end $$;
select is(tests.place_order('alice', 'mug') is not null, true, 'an order is placed though Realtime is down');
revoke all on schema realtime from public, postgres;
select is(tests.place_order('alice', 'mug') is not null, true, 'though it may not be called');
drop function realtime.send(jsonb, text, text, boolean);
select is(tests.place_order('alice', 'mug') is not null, true, 'and though it is gone');
set local client_min_messages = notice;
grant usage on schema realtime to postgres;
-- clients only listen
select is(tests.outcome_as('alice', $$ insert into realtime.messages (topic, extension) values ('order:x', 'broadcast') $$), '42501', 'no client may send');
select * from finish();
rollback;
