-- Source 002 (E-B5, section 11): each key figure against what was reckoned by hand.
begin;
select plan(39);
create view pg_temp.now as select * from ledger.kpi_values(clock_timestamp());
create or replace function pg_temp.says(name text) returns text language sql as $$
  select coalesce(n.value::text, 'null') || ' ' || n.details from pg_temp.now n where n.metric = says.name;
$$;

select tests.create_variant('mug', price => 1000);
select tests.create_customer('ann', 10000), tests.create_customer('bob', 500), tests.create_customer('emil', 700, 'EUR');
select tests.expect_success(o) from public.ledger_place_order(tests.items('mug'), p_user_id => tests.get_supabase_uid('ann'), p_idempotency_key => 'one') o;
create temp table orders_of_ann as
  select tests.place_order('ann', 'mug', 2) as delivered, tests.place_order('ann', 'mug', 3) as slow, tests.place_order('ann', 'mug') as rejected,
         tests.place_order('ann', 'mug') as cancelled, tests.place_order('ann', 'mug') as long_ago;
select tests.move_order(delivered, 'processing', 'shipped', 'delivered'), tests.move_order(slow, 'processing', 'delivered'), tests.move_order(rejected, 'rejected'),
       tests.move_order(cancelled, 'cancelled'), tests.move_order(long_ago, 'processing', 'delivered') from orders_of_ann;
select tests.expect_success(w) from public.ledger_request_withdrawal(300, '{"iban": "A"}', p_user_id => tests.get_supabase_uid('ann')) w;

-- orders
select is(pg_temp.says('orders_open'), '1 {"pending": 1, "rejected": 1, "cancelled": 1, "delivered": 3}', 'orders per status, and what is open of them');
select is(pg_temp.says('success_rate_ppm'), '600000 {"refunded": 0, "rejected": 1, "cancelled": 1, "delivered": 3}', 'three of five that ended were delivered');
select tests.expect_success(r) from public.ledger_refund_order((select slow from orders_of_ann), p_amount => 1) r;
select is(pg_temp.says('success_rate_ppm'), '600000 {"refunded": 0, "rejected": 1, "cancelled": 1, "delivered": 3}', 'a part of a delivered order that was given back changes nothing');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select tests.tamper(format('update public.transactions set created_at = created_at - interval ''25 hours'' where order_id = %L', long_ago)) from orders_of_ann;
select tests.tamper(format('update public.orders o set created_at = (select max(t.created_at) from public.transactions t where t.order_id = o.id and t.type = ''order_status_changed'') - interval %L where o.id = %L', v.took, v.id))
from orders_of_ann, lateral (values ('100 seconds', delivered), ('300 seconds', slow)) v (took, id);
select is(pg_temp.says('success_rate_ppm'), '500000 {"refunded": 0, "rejected": 1, "cancelled": 1, "delivered": 2}', 'what was delivered before yesterday does not count');
select is(pg_temp.says('processing_time_p50_s'), '100 {"orders": 2}', 'half were delivered within 100 seconds');
select is(pg_temp.says('processing_time_p95_s'), '300 {"orders": 2}', 'nearly all within 300');

-- wallets
select is(pg_temp.says('wallet_liabilities'), '2501 {"EUR": {"pending": 0, "available": 700, "overdrawn": 0}, "USD": {"pending": 300, "available": 2201, "overdrawn": 0}}',
  'balances and what is asked for, by currency; the value is of the shop''s');

-- invoices and payments
select tests.invoice_customer('part', 'ann', 'work x 1 at 100'), tests.invoice_customer('full', 'ann', 'work x 1 at 100'), tests.invoice_customer('none', 'bob', 'work x 1 at 70');
select tests.receive('P-1', 'ann', 200), tests.receive('P-2', 'emil', 33, 'EUR');
select tests.expect_success(a) from tests.allocate('P-1', 'part 40', 'full 100') a;
select is(pg_temp.says('partial_allocation_ratio_ppm'), '500000 {"paid": 1, "unpaid": 1, "partial": 1}', 'one of two invoices with allocations is paid in part');
select tests.expect_success(v) from public.ledger_void_invoice(tests.invoice_customer('void', 'bob', 'work x 1 at 9')) v;
select is(pg_temp.says('partial_allocation_ratio_ppm'), '500000 {"paid": 1, "unpaid": 1, "partial": 1}', 'a void one counts nowhere');
select is(pg_temp.says('overpayment_buffer'), '60 {"EUR": {"surplus_amount": 0, "unapplied_amount": 33}, "USD": {"surplus_amount": 0, "unapplied_amount": 60}}', 'what is left of payments');
select is(pg_temp.says('receivables_overdue'), '0 {}', 'nothing is due yet');
select tests.tamper(format('update public.invoices set due_at = clock_timestamp() - interval ''1 minute'', issued_at = issued_at - interval ''90 days'' where id in (%L, %L)', tests.invoice_id('part'), tests.invoice_id('full')));
select is(pg_temp.says('receivables_overdue'), '60 {"USD": {"amount": 60, "invoices": 1}}', 'what is left of an invoice that is due; a paid one is not overdue');
select is(pg_temp.says('payments_to_review'), '0 {"late": 0, "oldest_s": 0}', 'no receipt waits');
select tests.expect_success(r) from (values ('R-1'), ('R-2')) v (name), lateral public.ledger_submit_receipt(p_amount => 500, p_reference => v.name, p_user_id => tests.get_supabase_uid('bob')) r;
select tests.tamper('update public.payment_receipts set submitted_at = clock_timestamp() - interval ''25 hours'' where reference = ''R-1''');
select matches(pg_temp.says('payments_to_review'), '^2 {"late": 1, "oldest_s": 9000\d}$', 'two wait, one of them for too long');

-- what procedures leave no more: an order that holds more than it costs, and a wallet below zero
select tests.tamper('update public.orders set paid_amount = paid_amount + 11 where status = ''pending''');
select tests.tamper('update public.accounts set total_earned = total_earned - 900 where user_id = tests.get_supabase_uid(''bob'')');
select is(pg_temp.says('overpayment_buffer'), '71 {"EUR": {"surplus_amount": 0, "unapplied_amount": 33}, "USD": {"surplus_amount": 11, "unapplied_amount": 60}}', 'with what orders hold beyond their cost');
select is(pg_temp.says('wallet_liabilities'), '2001 {"EUR": {"pending": 0, "available": 700, "overdrawn": 0}, "USD": {"pending": 300, "available": 1701, "overdrawn": 400}}', 'what is overdrawn takes nothing from what others have');

-- speed: calls that took 1 to 20 milliseconds, and what does not count
select matches(pg_temp.says('placement_latency_p95_us'), '^\d+ {"calls": 1, "average_us": \d+}$', 'a placed order with a key is measured');
select tests.tamper('delete from ledger.idempotency_keys');
insert into ledger.idempotency_keys (caller_id, procedure, key, request_hash, answer, started_at, created_at)
select gen_random_uuid(), p.procedure, p.procedure || n, gen_random_uuid(), '{}'::jsonb, e.ended_at - n * interval '1 millisecond' * p.factor, e.ended_at
from (select clock_timestamp() - interval '1 minute' as ended_at) e, generate_series(1, 20) n,
     (values ('ledger_place_order', 1), ('ledger_allocate_payment', 3), ('ledger_credit_account', 99)) p (procedure, factor)
union all
select gen_random_uuid(), 'ledger_place_order', 'other' || n, gen_random_uuid(), '{}', now() + v.began, now() + v.ended
from (values (1, interval '-2 hours', interval '-61 minutes'), (2, interval '0', interval '-1 minute')) v (n, began, ended);
select is(pg_temp.says('placement_latency_p50_us'), '10000 {"calls": 20, "average_us": 10500}', 'the tenth of twenty; not one of another hour, nor one that began after it ended');
select is(pg_temp.says('placement_latency_p95_us'), '19000 {"calls": 20, "average_us": 10500}', 'the nineteenth of twenty');
select is(pg_temp.says('allocation_latency_p50_us'), '30000 {"calls": 20, "average_us": 31500}', 'and of allocations');
select is(pg_temp.says('allocation_latency_p95_us'), '57000 {"calls": 20, "average_us": 31500}', 'the slowest but one');

-- messages
select is((select value from pg_temp.now where metric = 'outbox_waiting'), (select count(*) from ledger.outbox), 'all messages wait');
select is(pg_temp.says('outbox_success_ratio_ppm'), 'null {"dead": 0, "sent": 0}', 'none was delivered');
create temp table messages as select id, row_number() over (order by id) as number from ledger.outbox;
update ledger.outbox o set status = case number when 4 then 'dead' else 'sent' end from messages m where m.id = o.id and number <= 5;
select is((select count(*) from ledger.outbox where settled_at between now() and clock_timestamp()), 5::bigint, 'when a message was delivered or given up is noted');
update ledger.outbox o set settled_at = now(), created_at = now() - m.number * interval '100 ms' from messages m where m.id = o.id and number <= 3;
update ledger.outbox o set settled_at = now() - interval '2 hours' from messages m where m.id = o.id and number = 5;
select is(pg_temp.says('outbox_success_ratio_ppm'), '750000 {"dead": 1, "sent": 3}', 'three of four of the last hour were delivered');
select is(pg_temp.says('outbox_latency_p95_ms'), '300 {"sent": 3}', 'the slowest after 300 milliseconds');
select is(pg_temp.says('outbox_dead'), '1 {}', 'one is given up');
select is((select value from pg_temp.now where metric = 'outbox_waiting'), (select count(*) - 5 from ledger.outbox), 'the others wait');
update ledger.outbox o set created_at = clock_timestamp() - interval '1 hour' from messages m where m.id = o.id and number = 6;
select matches(pg_temp.says('outbox_lag_s'), '^360\d {}$', 'the oldest for an hour');
update ledger.outbox o set status = 'pending' from messages m where m.id = o.id and number = 4;
select is((select count(*) from ledger.outbox where settled_at is null), (select count(*) - 4 from ledger.outbox), 'a message that is tried again waits again');

-- checks and seals
create or replace function pg_temp.run(check_code text, diff bigint) returns void language plpgsql as $$
begin
  perform set_config('ledger.procedure', 'test', true);
  insert into public.reconciliation_runs (check_code, status, accounts, differing_accounts, expected_amount, diff_abs, diff_ratio_ppm, limit_ppm, started_at)
  values (run.check_code, 'WARN', 1, 1, 1000, diff, diff * 1000, 5000, now());
  perform set_config('ledger.procedure', '', true);
end $$;
select pg_temp.run('debt_cache', 1), pg_temp.run('debt_cache', 2), pg_temp.run('old_flags', 7);
select is((select (n.value, n.details -> 'old_flags_ppm', n.details ->> 'status')::text from pg_temp.now n where metric = 'debt_drift_ppm'), '(2000,7000,WARN)', 'drift of the last run');
insert into public.integrity_checks (code, family, proves, severity, query) values
  ('own_account', 'own', 'There is no account.', 'error', 'select id::text, id, ''none'', ''one'', 1::bigint from accounts'),
  ('own_dreams', 'own', 'Nobody dreams.', 'warning', 'select id::text, id, ''none'', ''one'', 1::bigint from accounts limit 2');
select is((select value from pg_temp.now where metric = 'integrity_findings'), null::bigint, 'nobody has looked yet');
select (ledger.run_checks()).status;
select (ledger.run_checks('{own_dreams}', 'account', (select id from public.accounts limit 1))).status;
select results_eq($$ select n.value, n.details -> 'warnings', n.details ->> 'scope', n.details ->> 'status', n.details -> 'by_check' -> 'own_account', n.details -> 'by_check' -> 'own_dreams' from pg_temp.now n where metric = 'integrity_findings' $$,
  $$ select (select sum(c.findings)::bigint from ledger.findings_by_check() c where c.severity <> 'warning'), (select to_jsonb(sum(c.findings)) from ledger.findings_by_check() c where c.severity = 'warning'), 'all', 'FAIL', '3'::jsonb, '2'::jsonb $$, 'findings of the last run of everything, and warnings');
select is((select value from pg_temp.now where metric = 'unsealed_events'), (select count(*) from public.immutable_events), 'nothing is sealed');
select tests.tamper('update public.immutable_events set written_by_xid = 3 where written_by_xid > 3');
select ledger.seal_events();
select is(pg_temp.says('unsealed_events') ~ '^0 ', true, 'all is sealed');
select tests.place_order('ann', 'mug');
select is((select (n.value, n.details ->> 'seal_number')::text from pg_temp.now n where metric = 'unsealed_events'),
          (select format('(%s,%s)', count(*), (select max(seal_number) from public.event_seals)) from public.immutable_events where written_by_xid > 3), 'but what came since');

-- calls without permission, since a snapshot an hour ago
select is((select value from pg_temp.now where metric = 'denied_calls'), (select case when q.is_called then q.last_value else 0 end from ledger.denied_calls_seq q), 'with nothing to compare with all there ever were');
do $$ begin
  perform set_config('ledger.procedure', 'test', true);
  insert into public.kpi_snapshots values ('denied_calls', now() - interval '3 hours', 1, '{"total": 3}'), ('denied_calls', now() - interval '1 hour', 1, '{"total": 5}'), ('denied_calls', now() - interval '10 minutes', 1, '{"total": 11}');
  perform set_config('ledger.procedure', '', true);
end $$;
select setval('ledger.denied_calls_seq', 12);
select is((select (n.value, n.details ->> 'total')::text from pg_temp.now n where metric = 'denied_calls'), '(7,12)', 'seven since an hour ago');
select * from finish();
rollback;
