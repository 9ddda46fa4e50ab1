begin;
select plan(12);

select tests.create_customer('alice');
select tests.invoice_customer('rent', 'alice', 'rent x 1 at 800');
select tests.invoice_customer('work', 'alice', 'work x 1 at 500');
select tests.receive('big', 'alice', 700);
select tests.expect_success(a) from tests.allocate('big', 'rent 100') a;
create temp table given as select tests.allocation_id('big', 'rent') as id;
create temp table before as select tests.state() as state;
select tests.set_backfill_mode('read_only');
select results_eq(
  $$ select error_code, error_message from tests.allocate('big', 'rent 100') $$,
  $$ values ('backfill_running', 'Allocations wait until the backfill is done: ledger_backfill_mode is read_only.') $$, 'nothing is allocated while a backfill looks at what there is');
select is((select error_code from ledger_auto_allocate_payment(tests.payment_id('big'))), 'backfill_running', 'nor by a strategy');
select is((select error_code from given, ledger_reverse_allocation(given.id)), 'backfill_running', 'nor is anything reversed');
select is(ledger.refuse_during_backfill(true) ->> 'error_code', 'backfill_running', 'also what is synthetic waits');
select tests.set_backfill_mode('active');
select is((select error_code from tests.allocate('big', 'rent 100')), 'backfill_running', 'nor is anything allocated by hand while it writes');
select is(ledger.refuse_during_backfill(true), null, 'but what is synthetic is');
select tests.set_backfill_mode('off');
select is((select success from tests.allocate('big', 'rent 100')), true, 'afterwards all is as before');

-- what a backfill made is not mixed with what was decided
select set_config('ledger.procedure', 'import_apply', true);
select is(
  (select (ledger.allocate(ledger.account_id(tests.get_supabase_uid('alice'), 'USD'), tests.payment_id('big'),
           array[row(tests.invoice_id('work'), 50)]::ledger.allocation_line[], 'auto', row(null, true, null)::ledger.actor,
           gen_random_uuid(), p_synthetic => true)).allocated_amount),
  50::bigint, 'a backfill gives 50 to an invoice');
select set_config('ledger.procedure', '', true);
select is((select error_code from tests.allocate('big', 'work 10')), 'already_allocated', 'more of the same payment is not added to that');
select results_eq(
  $$ select p ->> 'invoice_id' from ledger_auto_allocate_payment(tests.payment_id('big'), p_dry_run => true) a, jsonb_array_elements(a.plan) p $$,
  $$ values (tests.invoice_id('rent')::text) $$, 'and a strategy leaves that invoice out');
select is((select success from ledger_reverse_allocation(tests.allocation_id('big', 'work'), 'decided anew')), true, 'it is reversed first');
-- this backfill had no import behind it, and that is all there is to say
select is_empty($$ select * from ledger.book_differences() where check_code <> 'synthetic_allocation_is_of_imports' $$, 'the books are in order');
select * from finish();
rollback;
