-- Every older system has cancelled orders that a wallet paid, or whose receipt nobody looked at any more.
begin;
select plan(8);
select tests.create_customer('eli', 100000), tests.create_variant('OLD-CUP', 10, 2500);
create function pg_temp.both(p_status text, p_more jsonb default '{}') returns jsonb language sql as $$
  select jsonb_build_object('customer_status', p_status, 'management_status', p_status) || p_more
$$;
select is(tests.bring_in_broken(jsonb_build_array(
    tests.wallet_line('A-CANCELLED', 'eli', pg_temp.both('cancelled')), tests.wallet_line('B-REJECTED', 'eli', pg_temp.both('rejected')),
    tests.wallet_line('C-REFUNDED', 'eli', pg_temp.both('refunded', '{"payment_method": "wallet", "wallet_amount": "", "paid_amount": "25.00", "payment_status": "refunded"}')),
    tests.wallet_line('D-PARTLY', 'eli', pg_temp.both('cancelled', '{"wallet_amount": "10.00", "paid_amount": "15.00", "payment_status": "refunded"}')),
    tests.receipt_line('E-RECEIPT', 'eli', 'E-REF', pg_temp.both('cancelled')), tests.receipt_line('F-RECEIPT', 'eli', '', pg_temp.both('rejected', '{"receipt_amount": "99.00"}')),
    tests.wallet_line('G-OPEN', 'eli'))),
  '1 applied, 2 applied, 3 applied, 4 applied, 5 applied, 6 applied, 7 applied', 'they come in, and so does what is beside them');
select results_eq($$ select o.order_number, o.status, o.payment_status, o.paid_amount, o.refunded_amount, o.wallet_amount from orders o order by 1 $$,
  $$ values ('A-CANCELLED', 'cancelled', 'unpaid', 0::bigint, 0::bigint, 0::bigint), ('B-REJECTED', 'rejected', 'unpaid', 0, 0, 0), ('C-REFUNDED', 'refunded', 'unpaid', 0, 0, 0),
            ('D-PARTLY', 'cancelled', 'refunded', 1500, 1500, 0), ('E-RECEIPT', 'cancelled', 'unpaid', 0, 0, 0), ('F-RECEIPT', 'rejected', 'unpaid', 0, 0, 0),
            ('G-OPEN', 'pending', 'unpaid', 0, 0, 0) $$,
  'with what is known to have come in, and went back');
select results_eq($$ select o.order_number from imported_order_claims c join orders o on o.id = c.order_id $$, $$ values ('G-OPEN') $$, 'claimed is only what is not at its end');
select is((select count(*)::int from payment_receipts), 0, 'nobody has to look at the receipt of an order that has ended');
select is(tests.bring_in_broken(jsonb_build_array(
    tests.wallet_line('H-1', 'eli', '{"status": "pending", "customer_status": "cancelled", "management_status": "cancelled"}'),
    tests.receipt_line('H-2', 'eli', 'H-REF', '{"status": "pending", "customer_status": "", "management_status": "lost"}'),
    tests.wallet_line('H-3', 'eli', '{"status": "cancelled", "customer_status": "pending", "management_status": "delivered"}'))),
  '1 rejected row_statuses_disagree management_status, 2 rejected row_statuses_disagree management_status, 3 rejected row_statuses_disagree status',
  'an order that ended only by some of its words, or is in a stage that nobody knows, is for a person');
select is((select tests.fixed(f.orders) from integrity_emergency_order_fix(p_dry_run => false) f), 'G-OPEN fixed', 'a fix leaves them alone');
select is((select available_balance from accounts where user_id = tests.get_supabase_uid('eli')), 97500::bigint, 'and takes nothing for them');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
