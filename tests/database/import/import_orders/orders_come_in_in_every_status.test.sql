begin;
select plan(8);
select tests.open_old_shop();

select tests.bring_in('orders', jsonb_build_array(
  tests.old_line('S-1', more => '{"status": "pending", "payment_status": "unpaid"}'),
  tests.old_line('S-2', more => '{"status": "confirmed", "payment_status": "partially_paid", "paid_amount": "1"}'),
  tests.old_line('S-3', more => '{"status": "processing"}'),
  tests.old_line('S-4', more => '{"status": "shipped", "payment_method": "card"}'),
  tests.old_line('S-5', more => '{"status": "Done", "payment_status": "unpaid", "payment_method": "invoice"}'),
  tests.old_line('S-6', more => '{"status": "rejected", "payment_status": "unpaid"}'),
  tests.old_line('S-7', more => '{"status": "cancelled", "payment_status": "refunded"}'),
  tests.old_line('S-8', more => '{"status": "cancelled", "payment_status": "unpaid"}'),
  tests.old_line('S-9', more => '{"status": "refunded"}'),
  tests.old_line('S-10', unit_price => '0')),
  '{"words": {"status": {"Done": "delivered"}}}');

select is(tests.rows_of(tests.last_run()), (select string_agg(n || ' applied', ', ' order by n) from generate_series(1, 10) n), 'all are applied');
select results_eq(
  $$select o.metadata ->> 'old_number', o.status, o.payment_status, o.paid_amount - o.refunded_amount, o.credited_amount
    from public.orders o order by (substr(o.metadata ->> 'old_number', 3))::integer$$,
  $$values ('S-1', 'pending', 'unpaid', 0::bigint, 0::bigint), ('S-2', 'confirmed', 'partially_paid', 100, 0), ('S-3', 'processing', 'paid', 250, 0),
           ('S-4', 'shipped', 'paid', 250, 0), ('S-5', 'delivered', 'unpaid', 0, 0), ('S-6', 'rejected', 'unpaid', 0, 0),
           ('S-7', 'cancelled', 'refunded', 0, 250), ('S-8', 'cancelled', 'unpaid', 0, 250), ('S-9', 'refunded', 'refunded', 0, 250),
           ('S-10', 'delivered', 'paid', 0, 0)$$,
  'each has the status and the money that the older system said');
select results_eq(
  $$select f.payout_amount, f.payout_status from public.refunds f where f.order_id = (tests.old_order('S-9')).id$$,
  $$values (250::bigint, 'paid')$$,
  'what was refunded in the older system was paid out there');
select is((select count(*) from public.shipments s where s.order_id in ((tests.old_order('S-4')).id, (tests.old_order('S-5')).id)), 2::bigint, 'what is out has a shipment');
select is((tests.old_order('S-4')).payment_method || '/' || (tests.old_order('S-5')).payment_method, 'card/invoice', 'payment methods are kept');
select is((select a.available_balance from public.accounts a where a.id = (tests.old_order('S-9')).account_id), 0::bigint, 'no wallet moves');
select is((select sum(a.stock_quantity) from public.variant_stock a), 20::numeric, 'no stock moves');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
