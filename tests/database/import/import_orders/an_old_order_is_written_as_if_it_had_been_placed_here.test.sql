begin;
select plan(12);
select tests.open_old_shop();

select tests.bring_in('orders', jsonb_build_array(
  tests.old_line('A-7', 'CUP', '2', '2.50', more => '{"tax_rate": "10", "discount": "0.50", "shipping": "1.00", "country": "Iraq"}'),
  tests.old_line('A-7', 'PAN', '1', '19.99', more => '{"shipping": "1.00"}')),
  '{"prices_include_tax": false}');

select is(tests.rows_of(tests.last_run()), '1 applied, 2 applied', 'both rows are applied');
select results_eq(
  $$select o.order_number, o.status, o.payment_status, o.subtotal_amount, o.discount_amount, o.shipping_amount, o.tax_amount, o.total_amount, o.paid_amount, o.outstanding_amount
    from tests.old_order('A-7') o$$,
  $$values ('A-7', 'delivered', 'paid', 2499::bigint, 50::bigint, 100::bigint, 45::bigint, 2594::bigint, 2594::bigint, 0::bigint)$$,
  'the order has the amounts of the file, and is delivered and paid');
select is((tests.old_order('A-7')).created_at, timestamptz '2020-03-01 10:00+00', 'it is of its time');
select ok((tests.old_order('A-7')).id between ledger.first_id_at('2020-03-01 10:00+00') and ledger.first_id_at('2020-03-01 10:00:01+00'),
  'and so is its id, by which lists and reports find it');
select results_eq(
  $$select i.product_sku, i.unit_price_amount, i.quantity from public.order_items i where i.order_id = (tests.old_order('A-7')).id order by i.line_number$$,
  $$values ('CUP', 250::bigint, 2::bigint), ('PAN', 1999::bigint, 1::bigint)$$,
  'lines have the prices of the file and not the catalogue''s');
select results_eq(
  $$select t.type, t.amount, t.created_at from public.transactions t where t.order_id = (tests.old_order('A-7')).id order by t.account_version$$,
  $$values ('order_created', 0::bigint, timestamptz '2020-03-01 10:00+00'), ('payment_imported', 0, '2020-03-01 10:00+00'),
           ('order_status_changed', 0, '2020-03-01 10:00+00')$$,
  'it has its three transactions, at their time');
select results_eq(
  $$select p.source, p.method, p.amount, p.applied_amount, p.paid_at from public.payments p where p.order_id = (tests.old_order('A-7')).id$$,
  $$values ('import', 'other', 2594::bigint, 2594::bigint, timestamptz '2020-03-01 10:00+00')$$,
  'and a payment of its own');
select results_eq(
  $$select h.status, h.created_at from public.order_status_history h where h.order_id = (tests.old_order('A-7')).id order by h.event_id$$,
  $$values ('pending', timestamptz '2020-03-01 10:00+00'), ('delivered', '2020-03-01 10:00+00')$$,
  'its history says when');
select is((select count(*) from public.immutable_events e where e.stream_id = (tests.old_order('A-7')).id and not e.payload @> '{"imported": true}'), 0::bigint,
  'every event of it says that it was imported');
select is((select string_agg(o.type, ', ' order by o.type) from ledger.outbox o where o.type not like 'import.%'), null,
  'nobody is told of old orders: the run alone has messages');
select results_eq(
  $$select s.stock_quantity from public.variant_stock s join public.variants v on v.id = s.variant_id order by v.sku$$,
  $$values (10::bigint), (10::bigint)$$,
  'the stock is what it was counted to be');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
