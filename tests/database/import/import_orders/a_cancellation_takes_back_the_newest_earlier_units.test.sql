begin;
select plan(7);
select tests.open_old_shop();

select tests.bring_in('orders', jsonb_build_array(
  tests.old_line('C-1', quantity => '-5', placed_at => '2020-03-05'),
  tests.old_line('1', quantity => '3', placed_at => '2020-03-01'),
  tests.old_line('2', quantity => '4', placed_at => '2020-03-02'),
  tests.old_line('2', 'PAN', '1', '19', placed_at => '2020-03-02'),
  tests.old_line('3', quantity => '9', placed_at => '2020-03-09'),
  tests.old_line('4', quantity => '9', unit_price => '2.40'),
  tests.old_line('5', 'PAN', '2', '18', customer => 'ben-2'),
  -- two of the three that are left, then one more than there is
  tests.old_line('C-2', quantity => '-2', placed_at => '2020-03-06'),
  tests.old_line('C-2', quantity => '-3', placed_at => '2020-03-06'),
  -- all of an order; another customer's; more than once
  tests.old_line('C-3', 'PAN', '-2', '18', 'ben-2', '2020-03-07'),
  tests.old_line('C-4', 'PAN', '-1', '19', 'ben-2', '2020-03-08'),
  tests.old_line('C-5', 'PAN', '-2', '18', 'ben-2', '2020-03-08')),
  '{"cancellation_prefix": "C-"}');

select is(tests.rows_of(tests.last_run()),
  '1 applied, 2 applied, 3 applied, 4 applied, 5 applied, 6 applied, 7 applied, 8 applied, 9 rejected row_nothing_to_cancel quantity, 10 applied, '
  '11 rejected row_nothing_to_cancel quantity, 12 rejected row_nothing_to_cancel quantity',
  'rows that find enough units are applied, the others are rejected');
select results_eq(
  $$select o.metadata ->> 'old_number', f.line_number, f.quantity
    from public.refund_lines f join public.orders o on o.id = f.order_id order by o.metadata ->> 'old_number', f.refund_id, f.line_number$$,
  $$values ('1', 1, 1::bigint), ('1', 1, 2), ('2', 1, 4), ('5', 1, 2)$$,
  'the newest earlier order gives first, at the same price only, and a later one nothing');
select results_eq(
  $$select o.metadata ->> 'old_number', o.status, o.payment_status, o.refunded_amount from public.orders o order by 1$$,
  $$values ('1', 'refunded', 'refunded', 750::bigint), ('2', 'delivered', 'partially_refunded', 1000), ('3', 'delivered', 'paid', 0),
           ('4', 'delivered', 'paid', 0), ('5', 'cancelled', 'refunded', 3600)$$,
  'an order taken back whole by one cancellation is cancelled, one emptied bit by bit is refunded');
select results_eq(
  $$select f.payout_status, f.reason from public.refunds f where f.order_id = (tests.old_order('5')).id$$,
  $$values ('paid', 'imported: C-3 of 2020-03-07 00:00')$$,
  'the money went back then, and the refund says which cancellation it was');
select is((select count(*) from ledger.outbox o where o.type not like 'import.%'), 0::bigint, 'nobody is told');
select results_eq(
  $$select r.sums from public.import_report(tests.last_run()) r$$,
  $$values ('{"applied": 6310, "rejected": -6250, "total": 60, "rows_without_amount": 0}'::jsonb)$$,
  'the sums of the file, of what was applied and of what was rejected are exact');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
