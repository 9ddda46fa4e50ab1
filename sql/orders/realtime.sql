/*
 * Pushes the events of an order to whoever follows it, over Supabase Realtime: database broadcast to
 * the private channel order:<id>. Switched on by ledger.enable_realtime(); until then no order pays
 * anything for it. Payloads name what happened, not what people wrote or paid.
 */
create function ledger.broadcast_order_event()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- realtime.send swallows what fails inside it, and this what fails before that (it is gone, renamed, not
  -- allowed): an order never fails because nobody can be told
  perform realtime.send(
    jsonb_strip_nulls(jsonb_build_object(
      'event_id', new.id, 'event_type', new.event_type, 'order_id', new.stream_id,
      'order_number', new.payload ->> 'order_number', 'from_status', new.payload ->> 'from_status',
      'status', new.payload ->> 'to_status', 'payment_status', new.payload ->> 'payment_status', 'occurred_at', new.occurred_at)),
    new.event_type, 'order:' || new.stream_id, true);
  return null;
exception
  when others then
    raise warning 'event % was not broadcast: %', new.id, sqlerrm;
    return null;
end $$;
comment on function ledger.broadcast_order_event() is
  'Trigger on immutable_events: broadcasts an order''s event to its channel; where that fails it warns, and the order goes on.';

/* For the policy on realtime.messages: the customer may follow their order, and so may staff with orders.read. */
create function ledger.may_follow(p_topic text)
returns boolean
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return p_topic ~ '^order:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    and exists (
      select from public.orders o
      where o.id = substr(p_topic, 7)::uuid and (o.user_id = auth.uid() or ledger.caller_may('orders.read')));
end $$;
comment on function ledger.may_follow(text) is 'Whether the signed-in user may join the Realtime channel of this name.';

create function ledger.enable_realtime()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if to_regprocedure('realtime.send(jsonb, text, text, boolean)') is null or to_regclass('realtime.messages') is null then
    raise exception 'Realtime is not installed here: there is no function realtime.send(jsonb, text, text, boolean)'
      using hint = 'Enable Realtime for the project, then call ledger.enable_realtime() again.';
  end if;
  create or replace trigger order_events_are_broadcast
    after insert on public.immutable_events
    for each row when (new.stream_type = 'order')
    execute function ledger.broadcast_order_event();
  -- listening only: there is no policy that lets a client send
  drop policy if exists orders_are_followed_by_their_customer_and_staff on realtime.messages;
  create policy orders_are_followed_by_their_customer_and_staff on realtime.messages for select to authenticated
    using (extension = 'broadcast' and (select ledger.may_follow((select realtime.topic()))));
end $$;
comment on function ledger.enable_realtime() is
  'Broadcasts the events of orders from now on, to the private channel order:<id>. Safe to repeat; `drop trigger order_events_are_broadcast on immutable_events` ends it.';
