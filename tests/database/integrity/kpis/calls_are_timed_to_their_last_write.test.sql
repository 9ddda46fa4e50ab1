-- How long a call took stands in the row of its key: from the arrival of its statement to its last write, waiting included.
begin;
select plan(8);
select tests.create_variant('mug', price => 1000);
select tests.create_customer('ann', 10000);
create temp table log (at timestamptz);
insert into log select clock_timestamp();
select tests.expect_success(o) from (select pg_sleep(0.2) offset 0) s, lateral public.ledger_place_order(tests.items('mug'), p_user_id => tests.get_supabase_uid('ann'), p_idempotency_key => 'slow') o;
insert into log select clock_timestamp();
select ok(k.created_at - k.started_at >= interval '0.2 seconds', 'what the statement did before the procedure counts: it is what the caller waits for') from ledger.idempotency_keys k where k.key = 'slow';
select ok(k.started_at >= (select min(at) from log) and k.created_at <= (select max(at) from log), 'and no more than that') from ledger.idempotency_keys k where k.key = 'slow';
select ok(k.created_at >= all (array[(select max(e.occurred_at) from public.immutable_events e), (select max(a.occurred_at) from public.audit_log a), (select max(o.created_at) from ledger.outbox o), (select max(t.created_at) from public.transactions t)]),
          'the key is the last thing written') from ledger.idempotency_keys k where k.key = 'slow';
select results_eq($$ select d.calls, d.average_us = d.p50_us, d.p50_us = d.p95_us, d.p95_us >= 200000 from ledger.call_durations('{ledger_place_order}', now() - interval '1 hour', clock_timestamp()) d $$,
                  $$ values (1::bigint, true, true, true) $$, 'and it is measured');
-- the same key again writes nothing, and a refusal has no key
select o.success from public.ledger_place_order(tests.items('mug'), p_user_id => tests.get_supabase_uid('ann'), p_idempotency_key => 'slow') o;
select o.success from public.ledger_place_order(tests.items('mug', 99999), p_user_id => tests.get_supabase_uid('ann'), p_idempotency_key => 'too many') o;
select tests.place_order('ann', 'mug');
select is((select d.calls from ledger.call_durations('{ledger_place_order}', now() - interval '1 hour', clock_timestamp()) d), 1::bigint, 'an answer given again, a refusal and a call without a key are not measured');
select is((select d::text from ledger.call_durations('{order_draft_place}', now() - interval '1 hour', clock_timestamp()) d), '(0,,,)', 'no calls: no times');
select is((select d.calls from ledger.call_durations('{ledger_place_order}', clock_timestamp(), clock_timestamp() + interval '1 hour') d), 0::bigint, 'a window has its bounds');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
