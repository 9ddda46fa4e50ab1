-- A shop that has just been opened has key figures too: counts and sums are 0, and what is of nothing is null.
begin;
select plan(6);
select setval('ledger.denied_calls_seq', 1, false);
create temp table figures as select * from ledger.kpi_values(clock_timestamp());
select set_eq('select metric from figures', 'select name from ledger.kpi_metrics', 'each metric answers, once');
select results_eq('select metric, value from figures where value is not null order by metric', $$
  values ('denied_calls', 0::bigint), ('orders_open', 0), ('outbox_dead', 0), ('outbox_lag_s', 0), ('outbox_waiting', 0), ('overpayment_buffer', 0), ('payments_to_review', 0),
         ('receivables_overdue', 0), ('unsealed_events', 0), ('wallet_liabilities', 0) $$, 'counts and sums of nothing are 0, the rest is null');
select is_empty($$ select metric, details from figures where details ? 'error' $$, 'none is divided by nothing, and none fails');
select lives_ok('select ledger.take_kpi_snapshot()', 'they can be kept');
select is((select count(*) from public.kpi_snapshots), (select count(*) from ledger.kpi_metrics), 'all of them');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
