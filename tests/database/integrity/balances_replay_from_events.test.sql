-- DESIGN rule 7: every balance and every order's history can be replayed from the events alone.
begin;
select plan(12);
select tests.open_shop();
select tests.open_returns();
-- some more of everything
select tests.expect_success(c) from public.ledger_credit_account(tests.get_supabase_uid('bob'), -100, 'adjustment') c;
select tests.expect_success(c) from public.ledger_credit_account(tests.get_supabase_uid('bob'), 300, 'bonus') c;
select tests.move_order((select id from public.orders where user_id = tests.get_supabase_uid('carol')), 'refunded');
select tests.expect_success(w) from public.withdrawals v, public.ledger_review_withdrawal(v.id, 'reject') w where v.user_id = tests.get_supabase_uid('bob');
select tests.expect_success(f) from public.ledger_freeze_account(tests.get_supabase_uid('carol'), true, 'why') f;

create temp table replayed as
  select e.account_id, e.id, (e.payload ->> 'account_version')::bigint as version, (e.payload ->> 'amount')::bigint as amount,
         coalesce((e.payload #>> '{effect,total_earned}')::bigint, 0) as earned, coalesce((e.payload #>> '{effect,total_withdrawn}')::bigint, 0) as withdrawn,
         coalesce((e.payload #>> '{effect,total_pending_withdrawals}')::bigint, 0) as pending, coalesce((e.payload #>> '{effect,total_orders}')::bigint, 0) as orders
  -- an event without a version, such as a parcel's, moved no account
  from public.immutable_events e where e.account_id is not null and e.payload ? 'account_version';
select bag_eq('select id, total_earned, total_withdrawn, total_pending_withdrawals, total_orders, version from public.accounts',
  'select account_id, sum(earned)::bigint as earned, sum(withdrawn)::bigint as withdrawn, sum(pending)::bigint as pending, sum(orders)::bigint as orders, count(*) as version from replayed group by account_id', 'the four totals and the version of every account follow from its events');
select is_empty('select * from replayed where amount <> earned - withdrawn - pending - orders', 'an event''s amount is its effect on the available balance');
select bag_eq('select account_id, account_version, amount, balance_after from public.transactions',
  'select account_id, version, amount, sum(amount) over (partition by account_id order by version)::bigint from replayed', 'every transaction with its balance follows from the events');
select is_empty($$ select a.id from public.accounts a join public.transactions t on t.account_id = a.id where t.account_version > a.version $$, 'no transaction has a version that its account has not');
select is_empty($$ select id from (select id, version, lag(version, 1, 0::bigint) over (partition by account_id order by id) as before from replayed) s where version <> before + 1 $$, 'events of an account are in the order of its versions');

-- orders
select bag_eq('select id, status from public.orders',
  $$ select distinct on (stream_id) stream_id, payload ->> 'to_status' as status from public.immutable_events where stream_type = 'order' and event_type in ('order.placed', 'order.status_changed') order by stream_id, id desc $$,
  'the status of every order follows from its events');
select is_empty($$ select event_id from (select event_id, from_status, lag(status) over (partition by order_id order by event_id) as before from public.order_status_history) s where from_status is distinct from before $$,
  'each status change begins where the one before it ended');
select bag_eq('select id, total_amount, wallet_amount, order_number, user_id from public.orders',
  $$ select stream_id, (payload ->> 'total_amount')::bigint as total, (payload ->> 'wallet_amount')::bigint as wallet, payload ->> 'order_number' as number, (payload ->> 'user_id')::uuid as user_id from public.immutable_events where event_type = 'order.placed' $$,
  'what was ordered for how much follows from the event');
select bag_eq('select order_id, variant_id, quantity, unit_price_amount from public.order_items',
  $$ select e.stream_id, (i ->> 'variant_id')::uuid as variant_id, (i ->> 'quantity')::bigint as quantity, (i ->> 'unit_price_amount')::bigint as price
     from public.immutable_events e, jsonb_array_elements(e.payload -> 'items') i where e.event_type = 'order.placed' $$, 'and so do its items');

-- an operation is one event, one audit line, one message, with one correlation id
select is_empty($$ select e.id from public.immutable_events e
                   where (select count(*) from public.audit_log a where a.correlation_id = e.correlation_id and a.action = e.event_type and a.target_id = e.stream_id::text) <> 1 $$, 'each event has one line in the audit log');
select is_empty($$ select e.id from public.immutable_events e
                   where (select count(*) from ledger.outbox_messages o where o.payload ->> 'correlation_id' = e.correlation_id::text and o.type = e.event_type and o.payload ->> 'stream_id' = e.stream_id::text) <> 1 $$, 'and one message in the outbox');
select is_empty($$ select t.id from public.transactions t
                   where (select count(*) from public.immutable_events e where e.payload ->> 'transaction_id' = t.id::text and e.correlation_id = t.correlation_id) <> 1 $$, 'each transaction has one event');
select * from finish();
rollback;
