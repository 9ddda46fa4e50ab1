begin;
select plan(9);
select tests.create_customer('eli', 10000), tests.create_variant('OLD-CUP', 10, 2500);
select is(tests.outcome_of('orders', jsonb_build_array(tests.mismatched_line('A', 'eli'), tests.wallet_line('B', 'eli', '{"payment_status": "unpaid"}'), tests.receipt_line('C', 'eli', 'X'))),
  '1 rejected row_statuses_disagree status, 2 rejected row_wallet_without_transaction payment_method, 3 rejected row_value_unknown payment_status',
  'without the option nothing is kept as a claim');
select is(tests.outcome_of('orders', jsonb_build_array(tests.mismatched_line('A', 'eli', '{"management_status": "warehouse_ready", "customer_status": "confirmed"}'))),
  '1 applied', 'but a stage that means the customer''s status agrees with it');
select is(tests.bring_in_broken(jsonb_build_array(
    tests.mismatched_line('E1', 'eli', '{"customer_status": "cancelled"}'), tests.mismatched_line('E2', 'eli', '{"management_status": "cancelled"}'),
    tests.mismatched_line('E3', 'eli', '{"management_status": "lost"}'))),
  '1 rejected row_statuses_disagree status, 2 rejected row_statuses_disagree status, 3 rejected row_statuses_disagree status',
  'an order that one side ended, or had in a stage that nobody knows, is for a person');
select is(tests.bring_in_broken(jsonb_build_array(
    tests.wallet_line('W1', 'eli', '{"wallet_amount": ""}'), tests.wallet_line('W2', 'eli', '{"wallet_amount": "25.01"}'),
    tests.wallet_line('W3', 'eli', '{"paid_amount": "0.01"}'), tests.wallet_line('W4', 'eli', '{"wallet_amount": "0"}'),
    tests.wallet_line('W5', 'eli', '{"wallet_amount": "-3"}'), tests.wallet_line('W6', 'eli', '{"payment_method": "wallet", "wallet_amount": "", "paid_amount": "25.00"}'))),
  '1 rejected row_value_missing wallet_amount, 2 rejected row_paid_amount_wrong wallet_amount, 3 rejected row_paid_amount_wrong wallet_amount, 4 rejected row_paid_amount_wrong wallet_amount, 5 rejected row_amount_negative wallet_amount, 6 rejected row_paid_amount_wrong wallet_amount',
  'a wallet part that is missing, nothing, or more than was left');
select is(tests.bring_in_broken(jsonb_build_array(
    tests.receipt_line('R1', 'eli', ''), tests.receipt_line('R2', 'eli', '---'), tests.receipt_line('R3', 'eli', repeat('9', 201)),
    tests.receipt_line('R4', 'eli', 'OK-1', '{"paid_amount": "25.00"}'), tests.receipt_line('R5', 'eli', 'OK-2', '{"receipt_amount": "0"}'))),
  '1 rejected row_value_missing receipt_reference, 2 rejected row_value_missing receipt_reference, 3 rejected row_text_too_long receipt_reference, 4 rejected row_paid_amount_wrong receipt_amount, 5 rejected row_paid_amount_wrong receipt_amount',
  'a receipt without a name, or for nothing');
select is(tests.bring_in_broken(jsonb_build_array(
    tests.wallet_line('D', 'eli', '{"wallet_amount": "20.00"}'), tests.wallet_line('D', 'eli', '{"wallet_amount": "21.00"}'),
    tests.receipt_line('F', 'eli', 'F-1'), tests.receipt_line('F', 'eli', 'F-2'))),
  '1 rejected row_disagrees_with_order wallet_amount, 2 rejected row_of_rejected_order order_number, 3 rejected row_disagrees_with_order receipt_reference, 4 rejected row_of_rejected_order order_number',
  'rows of one order that claim different things');
select tests.expect_success(r) from ledger_submit_receipt(p_amount => 5, p_reference => 'USED 1', p_user_id => tests.get_supabase_uid('eli')) r;
select tests.expect_success(p) from ledger_record_payment(p_user_id => tests.get_supabase_uid('eli'), p_amount => 5, p_reference => 'USED-2') p;
select is(tests.bring_in_broken(jsonb_build_array(
    tests.receipt_line('U1', 'eli', 'used-1'), tests.receipt_line('U2', 'eli', 'used 2'), tests.receipt_line('U3', 'eli', 'NEW 3'), tests.receipt_line('U4', 'eli', 'new-3', '{"placed_at": "2020-03-02 10:00"}'))),
  '1 rejected row_reference_used receipt_reference, 2 rejected row_reference_used receipt_reference, 3 applied, 4 rejected row_reference_used receipt_reference',
  'one transfer is shown once, however it is typed');
select is((select b.error_details ->> 'problem' from import_begin('orders', 'x', '{"broken_orders": "keep"}') b), 'broken_orders is reject or claim', 'the option is one of two');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
