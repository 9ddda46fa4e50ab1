-- Source 002, 16.5 step 7: sums that differ by more than the limit abort the backfill.
begin;
select plan(8);
select tests.create_customer('ann');
select tests.import('invoices', 'invoices', jsonb_build_array(tests.invoice_row('A-1', 'ann', '10')));
create temp table run as select tests.import('payments', 'payments', jsonb_build_array(
  tests.payment_row('P-1', 'ann', '6', more => '{"is_allocated": "yes"}'), tests.payment_row('P-2', 'ann', '3', more => '{"is_allocated": "yes"}'))) as id;
-- a plan that forgets a payment
alter function ledger.plan_backfill(uuid, uuid) rename to plan_all;
create function ledger.plan_backfill(p_account_id uuid, p_run_id uuid default null)
returns table (payment_id uuid, run_id uuid, invoice_id uuid, amount bigint, is_claimed boolean) language sql stable as
$$ select p.* from ledger.plan_all(p_account_id, p_run_id) p where p.amount > 300 $$;

select throws_like($$ select public.import_backfill(p_user_id => tests.get_supabase_uid('ann')) $$, 'backfill of customer % 900 expected, 600 allocated', 'of one customer it raises');
select is((select b.backfill_state from run, public.import_backfill(run.id) b), 'reading', 'of an import it begins');
select is((select (b.backfill_state, b.allocated_amount, b.mode, b.report ->> 'drift') from run, public.import_backfill(run.id) b), ('drifted'::text, 600::bigint, 'active'::text, '300'::text), 'and finds the drift');
select is((select (b.backfill_state, b.allocated_amount, b.mode, b.done) from run, public.import_backfill(run.id) b), ('aborted'::text, -600::bigint, 'off'::text, true), 'the next call takes back what it wrote');
select is((select sum(l.allocated_amount) from public.payment_allocations l), 0::numeric, 'all of it');
update public.settings set value = '400000' where key = 'backfill_drift_ppm_limit';
select is((select b.backfill_state from run, public.import_backfill(run.id) b), 'reading', 'with a wider limit');
select is((select b.backfill_state from run, public.import_backfill(run.id) b), 'done', 'the same drift passes');
select is((select count(*)::int from ledger.book_differences()), 0, 'the books are in order');
select * from finish();
rollback;
