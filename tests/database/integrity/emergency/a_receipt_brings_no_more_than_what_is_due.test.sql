-- A number in an old file makes no money: what a receipt has beyond what is due is for finance to look at.
begin;
select plan(11);
select tests.create_staff('finn', 'finance');
select tests.create_customer('eli', 10000), tests.create_variant('OLD-CUP', 20, 2500);
select is(tests.bring_in_broken(jsonb_build_array(
    tests.receipt_line('A', 'eli', 'A-1', '{"receipt_amount": "999999.00"}'), tests.receipt_line('B', 'eli', 'B-1', '{"receipt_amount": "25.01"}'),
    tests.wallet_line('C', 'eli', '{"wallet_amount": "10.00", "payment_status": "receipt_uploaded", "receipt_reference": "C-1", "receipt_amount": "15.01"}'),
    tests.wallet_line('D', 'eli', '{"payment_method": "wallet", "wallet_amount": "", "payment_status": "receipt_uploaded", "receipt_reference": "D-1", "receipt_amount": "1.00"}'))),
  '1 rejected row_paid_amount_wrong receipt_amount, 2 rejected row_paid_amount_wrong receipt_amount, 3 rejected row_paid_amount_wrong receipt_amount, 4 rejected row_paid_amount_wrong receipt_amount',
  'a receipt of more than the order has open is rejected');

select is(tests.bring_in_broken(jsonb_build_array(
    tests.receipt_line('E-HALF-PAID', 'eli', 'E-1', '{"receipt_amount": "25.00"}'), tests.receipt_line('F-PAID', 'eli', 'F-1', '{"management_status": "delivered"}'),
    tests.receipt_line('G-LESS', 'eli', 'G-1', '{"receipt_amount": "20.00"}'))),
  '1 applied, 2 applied, 3 applied', 'one of what is open, or less, comes in');
create function pg_temp.id(p_number text) returns uuid language sql as $$ select o.id from public.orders o where o.order_number = p_number $$;
select tests.expect_success(p) from ledger_record_payment(pg_temp.id('E-HALF-PAID'), 1000) p;
select tests.expect_success(p) from ledger_record_payment(pg_temp.id('F-PAID'), 2500) p;
create temp table before as select available_balance from accounts where user_id = tests.get_supabase_uid('eli');

create temp table done as select f.* from integrity_emergency_order_fix(p_dry_run => false) f;
select is((select tests.fixed(orders) from done), 'E-HALF-PAID fixed, F-PAID refused receipt_not_due, G-LESS fixed', 'paid meanwhile: finance looks at the receipt');
select is((select e.value ->> 'error_message' from done, jsonb_array_elements(orders) e where e.value ->> 'order_number' = 'F-PAID'),
  'Nothing is due for order F-PAID any more: finance decides about its receipt.', 'and is told why');
select results_eq($$ select o.order_number, r.status, r.amount, r.approved_amount from payment_receipts r join orders o on o.id = r.order_id order by 1 $$,
  $$ values ('E-HALF-PAID', 'partly_approved', 2500::bigint, 1500::bigint), ('F-PAID', 'submitted', 2500, null), ('G-LESS', 'approved', 2000, 2000) $$,
  'approved is at most what is due');
select results_eq($$ select o.order_number, tests.order_line(o.order_number) from orders o order by 1 $$,
  $$ values ('E-HALF-PAID', 'confirmed paid warehouse_ready 0'), ('F-PAID', 'pending paid awaiting_confirmation 0'), ('G-LESS', 'pending partially_paid finance_pending 500') $$,
  'no order is overpaid');
select is((select a.available_balance - b.available_balance from before b, accounts a where a.user_id = tests.get_supabase_uid('eli')), 0::bigint, 'and no wallet has more than before');

-- finance decides, and the rest of the claim is done
select tests.authenticate_as('finn');
select tests.expect_success(r) from payment_receipts p, ledger_review_receipt(p.id, 'reject', p_notes => 'paid in cash') r where p.reference = 'F-1';
reset role;
select is((select tests.fixed(f.orders) from integrity_emergency_order_fix(p_dry_run => false) f), 'F-PAID fixed', 'once finance has looked the order goes on');
select is(tests.order_line('F-PAID'), 'delivered paid delivered 0', 'to where the management had it');
select is((select count(*)::int from imported_order_claims where settled_at is null), 0, 'nothing is left');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
