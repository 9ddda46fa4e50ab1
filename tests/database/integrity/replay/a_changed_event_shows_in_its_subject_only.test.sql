-- What somebody changes in the events, or in what is stored, differs there and nowhere else.
begin;
select tests.open_shop();
select tests.open_refunds();
select tests.open_returns();
select tests.open_warehouse();
create temp table ids as
  select ledger.account_id(tests.get_supabase_uid('bob'), 'USD') as bob, tests.get_variant_id('MUG') as mug,
         (select o.id from public.orders o where o.user_id = tests.get_supabase_uid('bob')) as bobs,
         (select o.id from public.orders o where o.user_id = tests.get_supabase_uid('carol') limit 1) as carols,
         (select r.id from public.stock_reservations r where r.status = 'active' limit 1) as reservation,
         (select f.order_id from public.refunds f where f.wallet_amount > 0 and f.credited_amount > 1 limit 1) as refunded;

/* What integrity_replay(p_all) tells after a statement, which is undone: "kind what" of each difference, and of how many subjects. */
create function pg_temp.told_after(p_statement text) returns text language plpgsql as $$
declare
  v_told text;
begin
  perform tests.tamper(p_statement);
  select string_agg(distinct format('%s %s', r ->> 'kind', r ->> 'what'), ', ') || format(' (%s)', count(distinct r ->> 'subject')) into v_told
  from public.integrity_replay(p_all => true) p, jsonb_array_elements(p.rows) r;
  raise exception using errcode = 'TRIED', message = coalesce(v_told, 'nothing');
exception when sqlstate 'TRIED' then
  return sqlerrm;
end $$;

create temp table changes as
select v.what, format(v.statement, bob, mug, bobs, carols, reservation, refunded) as statement, v.told
from ids, (values
  -- events
  ('a deposit of another amount', 'update public.immutable_events set payload = jsonb_set(payload, ''{effect,total_earned}'', ''7'') where account_id = %1$L and event_type = ''account.credited''', 'account available_balance, account total_earned (1)'),
  ('a deposit that is gone', 'delete from public.immutable_events where account_id = %1$L and event_type = ''account.credited''', 'account available_balance, account one_event_per_version, account total_earned (1)'),
  ('a deposit that never was', 'insert into public.immutable_events (event_type, stream_type, stream_id, account_id, payload, correlation_id) values (''account.credited'', ''account'', %1$L, %1$L, ''{"effect": {"total_earned": 5}, "account_version": 99}'', gen_random_uuid())', 'account available_balance, account one_event_per_version, account total_earned, account version (1)'),
  ('a freeze that never was', 'insert into public.immutable_events (event_type, stream_type, stream_id, account_id, payload, correlation_id) select ''account.frozen'', ''account'', %1$L, %1$L, jsonb_build_object(''effect'', ''{}''::jsonb), gen_random_uuid()', 'account is_frozen (1)'),
  ('an order that cost less', 'update public.immutable_events set payload = payload || ''{"total_amount": 1}'' where stream_id = %3$L and event_type = ''order.placed''', 'order total_amount (1)'),
  ('an order brought to another status', 'update public.immutable_events set payload = payload || ''{"to_status": "shipped"}'' where stream_id = %4$L and id = (select max(id) from public.immutable_events where stream_id = %4$L and payload ? ''to_status'')', 'order status (1)'),
  ('another payment status', 'update public.immutable_events set payload = payload || ''{"payment_status": "unpaid"}'' where stream_id = %3$L', 'order payment_status (1)'),
  ('a refund of other money', 'update public.immutable_events set payload = payload || ''{"returned_amount": 1}'' where stream_id = %6$L and payload ? ''refund_id''', 'order refunded_amount (1)'),
  ('a refund of other goods', 'update public.immutable_events set payload = payload || ''{"credited_amount": 1}'' where stream_id = %6$L and payload ? ''refund_id''', 'order credited_amount (1)'),
  ('units that were not ordered', 'update public.immutable_events set payload = jsonb_set(payload, ''{items,0,quantity}'', ''9'') where stream_id = %3$L and event_type = ''order.placed''', 'variant stock_quantity (1)'),
  ('units that came in and are gone', 'delete from public.immutable_events where stream_id = %2$L and event_type = ''stock.adjusted''', 'variant stock_quantity (1)'),
  ('a reservation that never was', 'delete from public.immutable_events where stream_id = %5$L', 'variant held_quantity (1)'),
  -- what is stored
  ('a balance', 'update public.accounts set total_earned = total_earned + 1 where id = %1$L', 'account available_balance, account total_earned (1)'),
  ('a version', 'update public.accounts set version = version + 1 where id = %1$L', 'account version (1)'),
  ('a freeze', 'update public.accounts set frozen_reason = ''by hand'' where id = %1$L', 'account is_frozen (1)'),
  ('an order', 'update public.orders set status = ''delivered'', paid_amount = 0, wallet_amount = 0 where id = %3$L', 'order paid_amount, order status, order wallet_amount (1)'),
  ('an order that is gone', 'delete from public.orders where id = %3$L', 'order account_id, order credited_amount, order paid_amount, order payment_status, order refunded_amount, order status, order total_amount, order wallet_amount, order wallet_refunded_amount (1)'),
  ('a unit of stock', 'update public.stock_levels set on_hand = on_hand - 1 where variant_id = %2$L and slot = 0', 'variant stock_quantity (1)'),
  ('a unit that left with a forged movement', 'with m as (update public.stock_movements set quantity = quantity - 1 where variant_id = %2$L and slot_version = 1 returning *) update public.stock_levels l set on_hand = l.on_hand - 1 from m where l.variant_id = m.variant_id and l.slot = m.slot', 'variant stock_quantity (1)')
) v (what, statement, told);

select plan((select count(*)::integer from changes) + 4);
select is(pg_temp.told_after(statement), told, what) from changes;

-- asked for alone, a row that is gone is replayed all the same
select tests.tamper(format('delete from public.orders where id = %L', bobs)) from ids;
select is((select (r.success, r.differences)::text from ids, public.integrity_replay(p_order_id => bobs) r), '(t,9)', 'an order that is gone differs in all that its events say');
select is((select string_agg(distinct r ->> 'stored', '') from ids, public.integrity_replay(p_order_id => bobs) p, jsonb_array_elements(p.rows) r), null, 'and nothing of it is stored');
select is((select r.differences from ids, public.integrity_replay(p_order_id => carols) r), 0::bigint, 'another order does not differ');
select is((select r.differences from ids, public.integrity_replay(p_account_id => bob) r), 0::bigint, 'nor does the account, whose events are all there');
select * from finish();
rollback;
