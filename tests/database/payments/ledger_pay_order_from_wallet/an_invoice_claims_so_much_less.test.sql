begin;
select plan(7);
select tests.create_customer('pia', 10000), tests.create_variant('MUG', 10, 1500);
create temp table placed as
  select (tests.expect_success(o)).order_id as id from ledger_place_order(tests.items('MUG', 2), 'bank_transfer', p_user_id => tests.get_supabase_uid('pia')) o;
select tests.expect_success(i) from placed, ledger_issue_invoice(placed.id) i;
select is((select p.payment_status from placed, ledger_pay_order_from_wallet(id, 1000, p_user_id => tests.get_supabase_uid('pia')) p), 'partially_paid', 'the wallet pays a part');
select results_eq($$ select i.total_amount, i.prepaid_amount, i.amount, b.remaining_amount from invoices i join invoice_balance_cache b on b.invoice_id = i.id $$,
  $$ values (3000::bigint, 1000::bigint, 2000::bigint, 2000::bigint) $$, 'the invoice claims the rest');
select is((select p.allocated_amount from placed, ledger_record_payment(id, 1500) p), 1500::bigint, 'a transfer is allocated to it');
select is((select p.payment_status from placed, ledger_pay_order_from_wallet(id, p_user_id => tests.get_supabase_uid('pia')) p), 'paid', 'and the wallet pays what is left');
select results_eq($$ select i.amount, b.remaining_amount, b.status_cached from invoices i join invoice_balance_cache b on b.invoice_id = i.id $$,
  $$ values (1500::bigint, 0::bigint, 'paid') $$, 'the invoice is paid');
select is((select available_balance from accounts where user_id = tests.get_supabase_uid('pia')), 8500::bigint, 'of the wallet 15.00 went');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
