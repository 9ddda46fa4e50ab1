begin;
select plan(3);
select tests.open_old_shop();
select tests.create_customer('zoe', 5000), tests.create_variant('ODD');
select tests.place_order('zoe', 'ODD');
create temporary table taken as select o.order_number from public.orders o;

select tests.bring_in('orders', jsonb_build_array(tests.old_line((select order_number from taken)), tests.old_line('ORD77777777'), tests.old_line('ORD-1')));
select is(tests.rows_of(tests.last_run()), '1 rejected row_order_number_taken order_number, 2 rejected row_order_number_taken order_number, 3 applied',
  'a number that another order has, or will have, is refused');
select tests.bring_in('orders', jsonb_build_array(tests.old_line((select order_number from taken))), '{"order_number_prefix": "OLD-"}');
select is((tests.old_order((select order_number from taken))).order_number, 'OLD-' || (select order_number from taken), 'with a prefix both are there');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
