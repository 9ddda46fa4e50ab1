-- Source 002, E-B4: where one of the rows or events was changed that a repair would follow, another contradicts it, and
-- people have to look: nothing is planned, and what was found stays found.
begin;
select plan(14);
select tests.open_shop();
select tests.enforce_repairs();
select tests.create_customer('eve', 5000), tests.create_customer('dan', 0);
select tests.place_named_order('loot', 'eve', tests.items('MUG', 4));
select tests.expect_success(s) from tests.change_status('loot', 'cancelled') s;
select tests.place_named_order('kept', 'eve', tests.items('MUG', 1));
select tests.place_named_order('owed', 'dan', tests.items('MUG', 1), 'bank_transfer');
create temp table ids as
  select (select o.id from public.orders o where o.user_id = tests.get_supabase_uid('ann') and o.status = 'cancelled' order by o.id limit 1) as cancelled,
         (select o.order_number from public.orders o where o.user_id = tests.get_supabase_uid('carol') and o.status = 'delivered' order by o.id limit 1) as delivered;

/* What is planned after a statement, why the rest of that repair is for people, and whether it is still found then; all of it is taken back. */
create function pg_temp.outcome(p_statement text, p_repair text) returns text language plpgsql as $$
declare
  v_planned text;
  v_reason text;
begin
  perform tests.tamper(p_statement);
  v_planned := tests.plan_repairs();
  select string_agg(distinct x ->> 'reason', '; ') into v_reason from public.reconciliation_plan() p, jsonb_array_elements(p.for_people) x where x ->> 'repair' = p_repair;
  perform tests.expect_success(a) from public.reconciliation_apply(false) a;
  raise exception using errcode = 'TRIED', message = format('%s planned, %s, %s', v_planned, v_reason,
    case when exists (select from ledger.book_differences()) then 'still found' else 'nothing is found' end);
exception when sqlstate 'TRIED' then
  return sqlerrm;
end $$;

-- an event says another status
select matches(pg_temp.outcome($$ update public.immutable_events set payload = payload || '{"to_status": "confirmed"}' where event_type = 'order.status_changed' and stream_id = tests.order_id('loot') $$, 'order_status'),
  '^nothing planned, the event says pending to confirmed, its transaction order_cancelled: .*, still found$', 'a cancelled order is not confirmed by an edited event');
select tests.tamper($$ update public.immutable_events set payload = payload || '{"to_status": "confirmed"}' where event_type = 'order.status_changed' and stream_id = tests.order_id('loot') $$);
select tests.tamper($$ update public.orders set status = 'confirmed' where id = tests.order_id('loot') $$);
select is((select string_agg(check_code, ', ') from ledger.findings() where check_code is not null and subject = tests.order_id('loot')::text), 'status_fits_its_transaction', 'and an order that says the same as the edited event is found beside its transaction');
select tests.tamper($$ update public.orders set status = 'cancelled' where id = tests.order_id('loot') $$);
select tests.tamper($$ update public.immutable_events set payload = payload || '{"to_status": "cancelled"}' where event_type = 'order.status_changed' and stream_id = tests.order_id('loot') $$);
select matches(pg_temp.outcome($$ update public.immutable_events set event_type = 'order.refunded' where event_type = 'order.status_changed' and stream_id = tests.order_id('loot') $$, 'order_status'),
  '^nothing planned, the event says pending to cancelled, its transaction order_cancelled: .*, still found$', 'nor back to pending by one that is said to be a refund');
select tests.expect_success(s) from tests.change_status('kept', 'processing') s;
select matches(pg_temp.outcome($$ update public.immutable_events set payload = payload || '{"to_status": "confirmed"}' where event_type = 'order.status_changed' and stream_id = tests.order_id('kept') $$, 'order_status'),
  '^nothing planned, the event says pending to confirmed, its transaction order_status_changed: order pending to processing, still found$', 'a status that moves no money is not taken from an event whose transaction names another');
-- of transactions that are over
select tests.tamper('update public.immutable_events set written_by_xid = 3');
select ledger.seal_events();
select matches(pg_temp.outcome($$ with t as (update public.transactions set actor_action = 'typed by hand' where order_id = tests.order_id('kept') and type = 'order_status_changed')
    update public.immutable_events set payload = payload || '{"to_status": "confirmed"}' where event_type = 'order.status_changed' and stream_id = tests.order_id('kept') $$, 'order_status'),
  '^nothing planned, seal [0-9]+ over event [0-9]+: .*, still found$', 'nor from one whose seal does not hold');

-- an event says another payment status
select matches(pg_temp.outcome($$ update public.immutable_events set payload = payload || '{"payment_status": "paid"}' where event_type = 'order.placed' and stream_id = tests.order_id('owed') $$, 'order_money'),
  '^nothing planned, its last event says a payment status that its money cannot have, still found$', 'an unpaid order is not paid by an edited event');
select matches(pg_temp.outcome($$ update public.immutable_events set payload = payload || '{"payment_status": "refunded"}' where event_type = 'order.status_changed' and stream_id = tests.order_id('kept') $$, 'order_money'),
  '^nothing planned, its last event says a payment status that its money cannot have, still found$', 'nor a paid one refunded');

-- rows are gone
select matches(pg_temp.outcome(format('delete from public.refunds where order_id = %L', cancelled), 'order_money'),
  '^nothing planned, the events come to [0-9]+ of [a-z_]+, its rows to [0-9]+, still found$', 'an order does not follow a refund that is gone') from ids;
select tests.expect_success(r) from ids, public.orders o, public.ledger_refund_order(o.id, p_amount => 1000) r where o.order_number = delivered;
select is((select clawed_back_amount from public.referral_commissions), 50::bigint, 'of a commission something was taken back');
select matches(pg_temp.outcome($$ delete from public.transactions where type = 'commission_clawed_back' $$, 'commission'),
  '^nothing planned, the transactions of its account say that 0 were taken back, the events 50, still found$', 'which a transaction that is gone does not give back');
select matches(pg_temp.outcome($$ with t as (delete from public.transactions where type = 'commission_clawed_back' returning id) delete from public.immutable_events e using t where e.payload ->> 'transaction_id' = t.id::text $$, 'commission'),
  '^nothing planned, (an event of it is missing|the events come to).*, still found$', 'not even with its event');
select tests.place_named_order('saved', 'eve', tests.items('MUG', 1), discount_code => 'TEN');
select matches(pg_temp.outcome('delete from public.discount_redemptions', 'discount_usage'),
  '^nothing planned, order .* has no redemption of it, and should have one, still found$', 'a code is not free again because a redemption is gone');

-- an event cannot be read
select matches(pg_temp.outcome($$ with e as (update public.immutable_events set payload = payload || '{"effect": {"total_orders": "abc"}}' where event_type = 'order.placed' and stream_id = tests.order_id('kept'))
    update public.accounts set total_earned = total_earned + 1 where user_id in (tests.get_supabase_uid('eve'), tests.get_supabase_uid('bob')) $$, 'account_totals'),
  '^account_totals planned, it cannot be reckoned: invalid input syntax for type bigint: "abc", still found$', 'an event that cannot be read is for people, and keeps nobody else''s account from being repaired');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
