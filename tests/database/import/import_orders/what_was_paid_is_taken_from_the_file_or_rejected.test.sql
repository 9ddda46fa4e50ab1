begin;
select plan(8);
select tests.open_old_shop();
create function pg_temp.paid(number text, amount text, status text default null) returns jsonb language sql as $$
  select tests.old_line(number, more => jsonb_strip_nulls(jsonb_build_object('paid_amount', amount, 'payment_status', status)));
$$;

select is(tests.outcome_of('orders', jsonb_build_array(
    pg_temp.paid('1', '1.00'), pg_temp.paid('2', '2.50'), pg_temp.paid('3', '0'), pg_temp.paid('4', null),
    pg_temp.paid('5', '2.50', 'paid'), pg_temp.paid('6', '0', 'unpaid'), pg_temp.paid('7', '1', 'partially_paid'))),
  '1 applied, 2 applied, 3 applied, 4 applied, 5 applied, 6 applied, 7 applied', 'amounts that fit are taken');
select results_eq(
  $$select o.metadata ->> 'old_number', o.payment_status, o.paid_amount, (select sum(p.amount)::bigint from public.payments p where p.order_id = o.id)
    from public.orders o order by 1$$,
  $$values ('1', 'partially_paid', 100::bigint, 100::bigint), ('2', 'paid', 250, 250), ('3', 'unpaid', 0, null), ('4', 'paid', 250, 250),
           ('5', 'paid', 250, 250), ('6', 'unpaid', 0, null), ('7', 'partially_paid', 100, 100)$$,
  'without a status the amount says it, without both the order is paid');

select is(tests.outcome_of('orders', jsonb_build_array(
    pg_temp.paid('11', '9.00'), pg_temp.paid('12', '2.00', 'unpaid'), pg_temp.paid('13', '1.00', 'paid'), pg_temp.paid('14', '2.50', 'partially_paid'),
    pg_temp.paid('15', null, 'partially_paid'))),
  '1 rejected row_paid_amount_wrong paid_amount, 2 rejected row_paid_amount_wrong paid_amount, 3 rejected row_paid_amount_wrong paid_amount, '
  '4 rejected row_paid_amount_wrong paid_amount, 5 rejected row_paid_amount_wrong paid_amount', 'an amount that does not fit is nobody''s guess');
select is((select j.message from public.import_rejects j where j.run_id = tests.last_run() and j.row_number = 2),
  'Of an order over 250 minor units that is unpaid, "200" minor units cannot have been paid.', 'and the sentence says why');
select tests.bring_in('orders', jsonb_build_array(pg_temp.paid('21', '1.00'), pg_temp.paid('22', null)), '{"default_payment_status": "unpaid"}');
select is((select string_agg(o.payment_status, ', ' order by o.metadata ->> 'old_number') from public.orders o where o.metadata ->> 'old_number' in ('21', '22')),
  'partially_paid, unpaid', 'what the options say is for orders of which nothing else is known');
select is(tests.outcome_of('orders', jsonb_build_array(
    tests.old_line('31', more => '{"status": "cancelled", "paid_amount": "1.00"}'), tests.old_line('32', more => '{"status": "cancelled", "paid_amount": "0"}'),
    tests.old_line('33', more => '{"status": "refunded", "payment_status": "refunded", "paid_amount": "2.50"}'),
    tests.old_line('34', more => '{"status": "refunded", "payment_status": "refunded", "paid_amount": "1.00"}'),
    tests.old_line('35', 'CUP', '1'), tests.old_line('35', 'PAN', '1', '20', more => '{"paid_amount": "22.50"}'))),
  '1 applied, 2 applied, 3 applied, 4 rejected row_paid_amount_wrong paid_amount, 5 applied, 6 applied', 'orders that ended, and one whose amount stands on one row only');
select results_eq(
  $$select o.metadata ->> 'old_number', o.status, o.paid_amount, o.refunded_amount from public.orders o where o.metadata ->> 'old_number' > '30' order by 1$$,
  $$values ('31', 'cancelled', 100::bigint, 100::bigint), ('32', 'cancelled', 0, 0), ('33', 'refunded', 250, 250), ('35', 'delivered', 2250, 0),
           ('4', 'delivered', 250, 0), ('5', 'delivered', 250, 0), ('6', 'delivered', 0, 0), ('7', 'delivered', 100, 0)$$, 'what was paid of them went back');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
