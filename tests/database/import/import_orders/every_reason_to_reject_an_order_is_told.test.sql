begin;
select plan(3);
select tests.open_old_shop();
select tests.bring_in('orders', jsonb_build_array(tests.old_line('KNOWN')));

with faulty (place, code, field, line) as (values
  (1, 'row_value_missing', 'order_number', tests.old_line(null)),
  (2, 'row_text_too_long', 'order_number', tests.old_line(repeat('9', 101))),
  (3, 'row_value_missing', 'customer', tests.old_line('R-3', customer => ' ')),
  (4, 'row_customer_not_found', 'customer', tests.old_line('R-4', customer => 'zoe-9')),
  (5, 'row_value_missing', 'sku', tests.old_line('R-5', sku => '')),
  (6, 'row_product_not_found', 'sku', tests.old_line('R-6', sku => 'cup')),
  (7, 'row_number_not_whole', 'quantity', tests.old_line('R-7', quantity => '1.5')),
  (8, 'row_quantity_not_positive', 'quantity', tests.old_line('R-8', quantity => '-1')),
  (9, 'row_quantity_not_negative', 'quantity', tests.old_line('C-9', quantity => '1')),
  (10, 'row_amount_too_precise', 'unit_price', tests.old_line('R-10', unit_price => '0.001')),
  (11, 'row_amount_negative', 'unit_price', tests.old_line('R-11', unit_price => '-2')),
  (12, 'row_amount_not_numeric', 'unit_price', tests.old_line('R-12', unit_price => 'free')),
  (13, 'row_amount_too_large', 'amount', tests.old_line('R-13', quantity => '999999999999', unit_price => '90000000000')),
  (14, 'row_discount_too_large', 'discount', tests.old_line('R-14', more => '{"discount": "2.51"}')),
  (15, 'row_tax_rate_unreadable', 'tax_rate', tests.old_line('R-15', more => '{"tax_rate": "101"}')),
  (16, 'row_date_unreadable', 'placed_at', tests.old_line('R-16', placed_at => '31/12/2020')),
  (17, 'row_date_jalali', 'placed_at', tests.old_line('R-17', placed_at => '1399-12-01')),
  (18, 'row_date_out_of_range', 'placed_at', tests.old_line('R-18', placed_at => '2199-01-01')),
  (19, 'row_value_unknown', 'status', tests.old_line('R-19', more => '{"status": "gone"}')),
  (20, 'row_statuses_disagree', 'status', tests.old_line('R-20', more => '{"customer_status": "delivered", "management_status": "pending"}')),
  (21, 'row_value_unknown', 'payment_status', tests.old_line('R-21', more => '{"payment_status": "half"}')),
  (22, 'row_wallet_without_transaction', 'payment_method', tests.old_line('R-22', more => '{"payment_method": "Wallet"}')),
  (23, 'row_value_unknown', 'payment_method', tests.old_line('R-23', more => '{"payment_method": "shells"}')),
  (24, 'row_total_differs', 'total', tests.old_line('R-24', more => '{"total": "2.49"}')),
  (25, 'row_paid_amount_wrong', 'paid_amount', tests.old_line('R-25', more => '{"payment_status": "partially_paid", "paid_amount": "2.50"}')),
  (26, 'row_differs_from_imported', 'order_number', tests.old_line('KNOWN', quantity => '2'))),
done as (
  select tests.bring_in('orders', jsonb_agg(f.line order by f.place), '{"cancellation_prefix": "C-"}') as run_id from faulty f)
select run_id from done;

select results_eq(
  $$select j.row_number, j.code, j.field from public.import_rejects j where j.run_id = tests.last_run() order by j.row_number$$,
  $$values (1::bigint, 'row_value_missing', 'order_number'), (2, 'row_text_too_long', 'order_number'), (3, 'row_value_missing', 'customer'),
    (4, 'row_customer_not_found', 'customer'), (5, 'row_value_missing', 'sku'), (6, 'row_product_not_found', 'sku'),
    (7, 'row_number_not_whole', 'quantity'), (8, 'row_quantity_not_positive', 'quantity'), (9, 'row_quantity_not_negative', 'quantity'),
    (10, 'row_amount_too_precise', 'unit_price'), (11, 'row_amount_negative', 'unit_price'), (12, 'row_amount_not_numeric', 'unit_price'),
    (13, 'row_amount_too_large', 'amount'), (14, 'row_discount_too_large', 'discount'), (15, 'row_tax_rate_unreadable', 'tax_rate'),
    (16, 'row_date_unreadable', 'placed_at'), (17, 'row_date_jalali', 'placed_at'), (18, 'row_date_out_of_range', 'placed_at'),
    (19, 'row_value_unknown', 'status'), (20, 'row_statuses_disagree', 'status'), (21, 'row_value_unknown', 'payment_status'),
    (22, 'row_wallet_without_transaction', 'payment_method'), (23, 'row_value_unknown', 'payment_method'), (24, 'row_total_differs', 'total'),
    (25, 'row_paid_amount_wrong', 'paid_amount'), (26, 'row_differs_from_imported', 'order_number')$$,
  'each row is rejected for its reason');
select is((select count(*) from public.orders), 1::bigint, 'nothing was written but the order that was there');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
