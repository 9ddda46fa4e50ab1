-- What would change the sums of a backfill waits for it, and the way back leads only back.
begin;
select plan(39);
select tests.create_customer('ann'), tests.create_customer('bob');
select tests.import('invoices', 'invoices', jsonb_build_array(tests.invoice_row('A-1', 'ann', '10'), tests.invoice_row('A-2', 'ann', '10'), tests.invoice_row('B-1', 'bob', '10')));
create temp table run as select tests.import('payments', 'payments', jsonb_build_array(
  tests.payment_row('P-1', 'ann', '12', more => '{"is_allocated": "1"}'), tests.payment_row('P-2', 'bob', '10', more => '{"is_allocated": "1"}'), tests.payment_row('P-3', 'bob', '3'))) as id;
create temp table more as select tests.stage_import('invoices', 'more invoices', jsonb_build_array(tests.invoice_row('A-9', 'ann', '90'))) as id;
select tests.expect_success(a) from more, public.import_analyze(more.id) a;
create temp table rest as select tests.stage_import('payments', 'more payments', jsonb_build_array(tests.payment_row('P-9', 'ann', '90', more => '{"is_allocated": "1"}'))) as id;
select tests.expect_success(a) from rest, public.import_analyze(rest.id) a;

-- while accounts are written
select tests.expect_success(b) from run, public.import_backfill(run.id) b;
select is((select b.backfill_state from run, public.import_backfill(run.id, p_limit => 2) b), 'writing', 'a backfill writes its first accounts');
create temp table before as select tests.state() as state;
select is((select a.error_code from more, public.import_apply(more.id) a), 'backfill_running', 'more invoices wait');
select is((select a.error_code from more, public.import_apply(more.id, p_dry_run => true) a), 'backfill_running', 'also to look at them');
select is((select a.error_code from rest, public.import_apply(rest.id) a), 'backfill_running', 'as do more payments');
select is((select a.error_code from public.import_abort(tests.import_run('invoices'), p_void => true) a), 'backfill_running', 'and the end of other imports');
select is((select r.error_code from public.payments p, public.ledger_release_payment(p.id) r where p.external_id = 'P-3'), 'backfill_running', 'and what goes to a wallet');
select is((select s.error_code from public.ledger_set_flag('ledger_backfill_mode', 'off') s), 'backfill_running', 'nobody opens allocations meanwhile');
select is((select s.error_code from public.ledger_set_flag('ledger_backfill_mode', 'read_only') s), 'invalid_argument', 'or closes them by hand');
select is(tests.try_as('postgres', $$ update public.feature_flags set state = 'off' where key = 'ledger_backfill_mode' $$), '23514', 'nor in the dashboard');
select is(tests.changes((select state from before), tests.state()), null, 'the refusals changed nothing');

-- an abort of the backfill, begun and left: from then on it goes back, whoever goes on
create temp table dropped as select a.* from run, public.import_abort(run.id, p_only_backfill => true, p_limit => 1) a;
select is((select (done, state, (select count(*) from public.payment_allocations a where a.allocated_amount < 0)) from dropped), (false, 'applied'::text, 1::bigint), 'its abort takes one back');
select is((select (b.backfill_state, b.allocated_amount, b.done, b.mode) from run, public.import_backfill(run.id) b), (select ('aborted'::text, dropped_amount - 2200, true, 'off'::text) from dropped),
  'and the backfill, called again, the rest');
select is((select sum(a.allocated_amount) from public.payment_allocations a), 0::numeric, 'nothing is allocated');
select is((select b.error_code from run, public.import_abort(run.id, p_only_backfill => true) b), 'import_conflict', 'there is no backfill to abort any more');
select is((select r.state from run, public.import_report(run.id) r), 'applied', 'the import is as applied as before');
select is((select a.done from more, public.import_apply(more.id) a), true, 'what waited comes in');

-- again, to its end; then back again, in one call
create or replace function pg_temp.backfill() returns text language plpgsql as $$
declare v_state text;
begin
  loop
    select b.backfill_state into v_state from run, public.import_backfill(run.id) b;
    exit when v_state is null or v_state in ('done', 'aborted');
  end loop;
  return v_state;
end $$;
select is(pg_temp.backfill(), 'done', 'a backfill can begin anew');
select is((select sum(a.allocated_amount) from public.payment_allocations a), 2200::numeric, 'and allocates all that is flagged');
select is((select (a.done, a.dropped_amount, a.state) from run, public.import_abort(run.id, p_only_backfill => true) a), (true, 2200::bigint, 'applied'::text), 'it can be taken back after its end');
select is((select (r.state, r.backfill ->> 'state') from run, public.import_report(run.id) r), ('applied'::text, 'aborted'::text), 'without the import');
select is(pg_temp.backfill(), 'done', 'and made again');

-- a decision outweighs a flag
select tests.expect_success(v) from public.payment_allocations a join public.payments p on p.id = a.payment_id, public.ledger_reverse_allocation(a.id, 'not this invoice') v
where p.external_id = 'P-2' and a.allocated_amount > 0 and not exists (select from public.payment_allocations b where b.reverses_allocation_id = a.id);
select is((select (b.synthetic, b.import_run_id) from public.payment_allocations b order by b.id desc limit 1), (false, null::uuid), 'what somebody takes back was decided');
select is(pg_temp.backfill(), 'done', 'a backfill after it');
select is((select p.unapplied_amount from public.payments p where p.external_id = 'P-2'), 1000::bigint, 'leaves it as it was decided');
select is((select b.allocated_amount from public.import_backfill(p_user_id => tests.get_supabase_uid('bob')) b), 0::bigint, 'as does one of the customer alone');

-- a second backfill that drifts takes back its own
select tests.expect_success(a) from rest, public.import_apply(rest.id) a;
create temp table second as select tests.import('payments', 'payments of bob', jsonb_build_array(tests.payment_row('Q-1', 'bob', '4', more => '{"is_allocated": "1"}'))) as id;
truncate run;
insert into run select id from second;
select is(pg_temp.backfill(), 'done', 'a good backfill');
select tests.import('invoices', 'last invoices', jsonb_build_array(tests.invoice_row('B-2', 'bob', '5')));
select tests.expect_success(r) from public.payments p, public.ledger_release_payment(p.id) r where p.external_id = 'P-3';
select tests.expect_success(b) from run, public.import_backfill(run.id) b;
alter function ledger.backfill_figures(uuid[], uuid) rename to true_figures;
create function ledger.backfill_figures(p_account_ids uuid[], p_run_id uuid default null) returns ledger.backfill_figures language sql as
$$ select row(1, 1, 500, 500, 400)::ledger.backfill_figures $$;
select is((select b.backfill_state from run, public.import_backfill(run.id) b), 'drifted', 'and another one, which drifts');
select is((select (b.backfill_state, b.allocated_amount) from run, public.import_backfill(run.id) b), ('aborted'::text, 0::bigint), 'takes back what it made');
select is((select r.backfill ->> 'live_amount' from run, public.import_report(run.id) r), '400', 'and not what the good one made');
drop function ledger.backfill_figures(uuid[], uuid);
alter function ledger.true_figures(uuid[], uuid) rename to backfill_figures;

-- an import that was aborted without voiding
select is((select (a.done, a.dropped_amount, a.state) from run, public.import_abort(run.id) a), (true, 400::bigint, 'aborted'::text), 'an import is aborted, and its payment stays');
select is((select b.error_code from run, public.import_backfill(run.id) b), 'import_conflict', 'it is not backfilled any more');
select is((select b.allocated_amount from public.import_backfill(p_user_id => tests.get_supabase_uid('bob')) b), 0::bigint, 'nor do its flags count for its customer');
select is((select b.error_code from run, public.import_abort(run.id) b), 'import_conflict', 'there is nothing more to abort');
select is((select (a.done, a.voided_rows, a.state) from run, public.import_abort(run.id, p_void => true) a), (true, 1::bigint, 'aborted'::text), 'but its payment can be voided later');
select is((select p.status from public.payments p where p.external_id = 'Q-1'), 'voided', 'and is');
select is((select b.error_code from run, public.import_abort(run.id, p_void => true, p_only_backfill => true) b), 'import_conflict', 'an aborted import has no backfill to abort');
select is((select b.error_code from rest, public.import_abort(rest.id, p_void => true, p_only_backfill => true) b), 'invalid_argument', 'and one aborts a backfill, or voids');

-- who may import may take back: nothing else is needed
insert into public.roles (code, description) values ('importer', 'imports');
insert into public.role_permissions (role, permission) values ('importer', 'imports.run');
select tests.create_staff('ida', 'importer');
select tests.authenticate_as('ida');
select is((select (a.done, a.voided_rows) from public.import_abort((select r.id from public.import_runs r where r.source_name = 'last invoices'), p_void => true) a), (true, 1::bigint), 'invoices are voided with their import');
reset role;
select is((select count(*)::int from ledger.book_differences()), 0, 'the books are in order');
select * from finish();
rollback;
