begin;
select plan(19);

select tests.create_customer('alice');
select tests.create_customer('bob');
select tests.invoice_customer('rent', 'alice', 'rent x 1 at 800');
select tests.invoice_customer('bobs', 'bob', 'rent x 1 at 500');
select tests.receive('big', 'alice', 1000), tests.receive('bobs', 'bob', 100);
select tests.expect_success(a) from tests.allocate('big', 'rent 300') a;
select tests.expect_success(a) from tests.allocate('bobs', 'bobs 100') a;
set constraints all immediate;
set constraints all deferred;
select results_eq('select success, difference_count, repaired_accounts, differences from invoice_recalculate()',
                  $$ values (true, 0::bigint, 0::bigint, '[]'::jsonb) $$, 'nothing differs');
select is((ledger.run_checks()).status, 'OK', 'and a run of the checks finds nothing');

-- what somebody did who went round the guards
select tests.tamper(format('update public.payments set allocated_amount = 700 where id = %L', tests.payment_id('big')));
select tests.tamper(format('update public.invoice_balance_cache set allocated_total = 0 where invoice_id = %L', tests.invoice_id('rent')));
select tests.tamper(format('update public.account_debt_cache set invoiced_amount = 900, unapplied_amount = 1 where account_id = %L', ledger.account_id(tests.get_supabase_uid('alice'), 'USD')));
select tests.tamper(format('delete from public.account_debt_cache where account_id = %L', ledger.account_id(tests.get_supabase_uid('bob'), 'USD')));
create temp table before as select tests.state() as state;
select results_eq(
  $$ select d ->> 'kind', d -> 'cached', d -> 'recomputed' from invoice_recalculate(ledger.account_id(tests.get_supabase_uid('alice'), 'USD')) r, jsonb_array_elements(r.differences) d order by 1 $$,
  $$ values ('account', ledger.debt_figures(900, 300, 1), ledger.debt_figures(800, 300, 700)),
            ('invoice', '{"amount": 800, "allocated_total": 0}', '{"amount": 800, "allocated_total": 300}'),
            ('payment', '{"allocated_amount": 700}', '{"allocated_amount": 300}') $$,
  'each sum that is wrong is found, with what its rows say');
select is((select difference_count from invoice_recalculate()), 4::bigint, 'those of all accounts, also where the row is gone');
select is(tests.changes((select state from before), tests.state()), null, 'looking changes nothing');
select is((ledger.run_checks('{allocated_equals_allocations,invoice_remaining_is_amount_less_allocations,debt_is_invoices_less_allocations}')).findings, 4::bigint, 'and so by a run of the checks');

select results_eq(
  $$ select difference_count, repaired_accounts from invoice_recalculate(ledger.account_id(tests.get_supabase_uid('alice'), 'USD'), true) $$,
  $$ values (3::bigint, 1::bigint) $$, 'one account is mended');
select is((select difference_count from invoice_recalculate()), 1::bigint, 'and no other');
select results_eq('select difference_count, repaired_accounts from invoice_recalculate(p_repair => true)', $$ values (1::bigint, 1::bigint) $$, 'then the rest');
select is(array[tests.used('big'), tests.claim('rent'), tests.debt('alice'), tests.debt('bob')],
          array['300/700', '800/300/500 partial', '500/700', '400/0'], 'all sums are those of their rows again');
select is((select e.payload #>> '{differences,0,cached,debt_amount}' from immutable_events e where e.event_type = 'balances.mended' order by e.id limit 1), '600',
          'an event says what they were');
select results_eq('select difference_count, repaired_accounts from invoice_recalculate(p_repair => true)', $$ values (0::bigint, 0::bigint) $$, 'there is nothing left to mend');

-- a balance in somebody else's account
select tests.tamper(format('update public.invoice_balance_cache set account_id = %L where invoice_id = %L', ledger.account_id(tests.get_supabase_uid('bob'), 'USD'), tests.invoice_id('rent')));
select results_eq(
  $$ select d #>> '{cached,account_id}', d #>> '{recomputed,account_id}' from invoice_recalculate(p_repair => true) r, jsonb_array_elements(r.differences) d $$,
  $$ select ledger.account_id(tests.get_supabase_uid('bob'), 'USD')::text, ledger.account_id(tests.get_supabase_uid('alice'), 'USD')::text $$, 'the balance of an invoice that stands in another account is found');
select is((select b.account_id from public.invoice_balance_cache b where b.invoice_id = tests.invoice_id('rent')), ledger.account_id(tests.get_supabase_uid('alice'), 'USD'), 'and brought back');
select is((select difference_count from invoice_recalculate()), 0::bigint, 'for good');

select is(tests.outcome(null, format('invoice_recalculate(%L)', gen_random_uuid())), 'invalid_argument', 'there is no such account');
select is(tests.outcome('alice', 'invoice_recalculate()'), '42501', 'a customer does not recalculate');
select is(tests.outcome('alice', 'invoice_recalculate(p_repair => true)'), '42501', 'nor mend');

select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
