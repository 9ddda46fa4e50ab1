-- Of two statuses the earlier one, of the money what is known to have come in; the rest is kept as claimed.
begin;
select plan(9);
select tests.create_customer('eli', 10000), tests.create_variant('OLD-CUP', 10, 2500);
select is(tests.bring_in_broken(jsonb_build_array(
  tests.mismatched_line('A-CUSTOMER-AHEAD', 'eli', '{"customer_status": "delivered", "management_status": "warehouse_processing"}'),
  tests.mismatched_line('B-BOTH-SHIPPED', 'eli', '{"customer_status": "shipped", "management_status": "logistics_dispatched"}'),
  tests.mismatched_line('C-READY', 'eli', '{"customer_status": "confirmed", "management_status": "warehouse_ready", "payment_method": "bank_transfer_grace"}'),
  tests.wallet_line('D-DELIVERED-UNPAID', 'eli', '{"customer_status": "delivered", "management_status": "delivered", "payment_method": "wallet", "wallet_amount": ""}'),
  tests.wallet_line('E-PROVEN', 'eli', '{"wallet_transaction": "W-9"}'),
  tests.wallet_line('F-TWO-LINES', 'eli', '{"wallet_amount": "10.00", "paid_amount": "40.00"}'),
  tests.wallet_line('F-TWO-LINES', 'eli', '{"wallet_amount": "10.00", "paid_amount": "40.00"}'),
  tests.wallet_line('G-WALLET-AND-RECEIPT', 'eli', '{"wallet_amount": "10.00", "payment_status": "receipt_uploaded", "receipt_reference": "G-1"}'),
  tests.receipt_line('H-RECEIPT-OF-LESS', 'eli', 'H-1', '{"receipt_amount": "20.00"}'))),
  '1 applied, 2 applied, 3 applied, 4 applied, 5 applied, 6 applied, 7 applied, 8 applied, 9 applied', 'all of them come in');
select results_eq($$ select o.order_number, o.status, o.payment_status, o.payment_method, o.paid_amount, o.amount_due from orders o order by 1 $$,
  $$ values ('A-CUSTOMER-AHEAD', 'processing', 'paid', 'bank_transfer', 2500::bigint, 0::bigint), ('B-BOTH-SHIPPED', 'shipped', 'paid', 'bank_transfer', 2500, 0),
            ('C-READY', 'confirmed', 'paid', 'bank_transfer_grace', 2500, 0), ('D-DELIVERED-UNPAID', 'delivered', 'unpaid', 'wallet', 0, 2500),
            ('E-PROVEN', 'pending', 'paid', 'wallet_partial', 2500, 0), ('F-TWO-LINES', 'pending', 'partially_paid', 'wallet_partial', 4000, 1000),
            ('G-WALLET-AND-RECEIPT', 'pending', 'receipt_uploaded', 'wallet_partial', 0, 2500), ('H-RECEIPT-OF-LESS', 'pending', 'receipt_uploaded', 'bank_transfer', 0, 2500) $$,
  'with what is proven');
select results_eq($$ select o.order_number, c.problems, c.claimed_status, c.wallet_amount, r.amount
                     from imported_order_claims c join orders o on o.id = c.order_id left join payment_receipts r on r.id = c.receipt_id order by 1 $$,
  $$ values ('A-CUSTOMER-AHEAD', '{status_mismatch}'::text[], 'processing', 0::bigint, null::bigint), ('D-DELIVERED-UNPAID', '{wallet_without_transaction}', 'delivered', 2500, null),
            ('F-TWO-LINES', '{wallet_without_transaction}', 'pending', 1000, null), ('G-WALLET-AND-RECEIPT', '{wallet_without_transaction,receipt_stuck}', 'pending', 1000, 1500),
            ('H-RECEIPT-OF-LESS', '{receipt_stuck}', 'pending', 0, 2000) $$,
  'and of the broken ones what was claimed beyond; where nothing is broken nothing is');
select is((select available_balance from accounts where user_id = tests.get_supabase_uid('eli')), 10000::bigint, 'no wallet has paid');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select is((select tests.fixed(f.orders) from integrity_emergency_order_fix(p_dry_run => false) f),
  'A-CUSTOMER-AHEAD nothing_to_do, D-DELIVERED-UNPAID fixed, F-TWO-LINES fixed, G-WALLET-AND-RECEIPT fixed, H-RECEIPT-OF-LESS fixed', 'fixed, as far as there is something to fix');
select results_eq($$ select o.order_number, o.status, o.payment_status, o.wallet_amount from orders o where o.order_number !~ '^[BCE]' order by 1 $$,
  $$ values ('A-CUSTOMER-AHEAD', 'processing', 'paid', 0::bigint), ('D-DELIVERED-UNPAID', 'delivered', 'paid', 2500), ('F-TWO-LINES', 'confirmed', 'paid', 1000),
            ('G-WALLET-AND-RECEIPT', 'confirmed', 'paid', 1000), ('H-RECEIPT-OF-LESS', 'pending', 'partially_paid', 0) $$,
  'the management''s status counts, and each part of the money comes from where it was said to');
select is((select available_balance from accounts where user_id = tests.get_supabase_uid('eli')), 5500::bigint, 'three wallet parts are gone');
select is_empty('select * from ledger.book_differences()', 'the books are in order again');
select * from finish();
rollback;
