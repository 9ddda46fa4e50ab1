-- Issue 6: what is stuck beyond its limit is a warning: no difference of the books, and no failed run.
begin;
select plan(12);
select tests.open_shop();
select tests.open_desk();
select tests.open_review();
select tests.open_warehouse();
select ledger.seal_events();

create function pg_temp.warned_after(p_statement text) returns text language plpgsql as $$
declare
  v_found text;
begin
  perform tests.tamper(p_statement);
  select string_agg(distinct f.check_code, ', ') into v_found from ledger.findings() f where f.severity = 'warning';
  raise exception using errcode = 'TRIED', message = coalesce(v_found, 'nothing');
exception when sqlstate 'TRIED' then
  return sqlerrm;
end $$;

select is(pg_temp.warned_after('update public.orders set updated_at = updated_at - interval ''71 hours'' where status = ''confirmed'''), 'nothing', 'within its limit nothing is stuck');
select is(pg_temp.warned_after(statement), check_code, what) from (values
  ('order_waits_too_long', 'an order that waits for its money too long', 'update public.orders set updated_at = updated_at - interval ''200 hours'' where status = ''pending'''),
  ('receipt_waits_too_long', 'a receipt that nobody reviews', 'update public.payment_receipts set submitted_at = submitted_at - interval ''25 hours'' where status = ''submitted'''),
  ('reservation_outlives_its_time', 'stock that is held beyond its time', 'update public.stock_reservations set expires_at = now() - interval ''2 hours'' where status = ''active'''),
  ('outbox_lags', 'a message that waits while others are sent', 'update ledger.outbox set status = case when id = (select min(o.id::text)::uuid from ledger.outbox o) then ''sent'' else status end, next_retry_at = next_retry_at - interval ''2 hours'', settled_at = case when id = (select min(o.id::text)::uuid from ledger.outbox o) then now() end'),
  ('event_has_its_message', 'an event whose message is gone', 'delete from ledger.outbox where event_id = (select max(o.event_id) from ledger.outbox o)'),
  ('every_check_is_on', 'a check that was switched off', 'update public.integrity_checks set enabled = false where code = ''stock_equals_movements'''),
  ('events_lie_in_their_month', 'audit lines of a month without a partition', 'create table if not exists ledger.audit_log_2020_01 (like public.audit_log)')) v (check_code, what, statement);
select is_empty('select * from ledger.book_differences()', 'none of this is a difference');
select tests.tamper('update public.payment_receipts set submitted_at = submitted_at - interval ''25 hours'' where status = ''submitted''');
select is((ledger.run_checks()).status, 'WARN', 'a run with warnings alone does not fail');
update public.settings set value = '0' where key like 'stuck\_order\_hours\_%';
select is(pg_temp.warned_after('update public.orders set updated_at = updated_at - interval ''200 hours'' where status = ''pending'''), 'receipt_waits_too_long', 'a limit of 0 hours is none');
update public.alert_rules set limit_value = 60 where code = 'seals_behind';
select is((select count(*) from ledger.findings('{events_are_sealed}') f where f.check_code is not null), 0::bigint, 'sealed events do not wait for a seal');
select * from finish();
rollback;
