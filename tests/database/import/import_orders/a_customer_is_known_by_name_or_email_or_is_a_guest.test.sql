begin;
select plan(3);
select tests.open_old_shop();
select tests.bring_in('customers', '[{"name": "Guest"}]', '{"guest_customer": "guests"}');

select tests.bring_in('orders', jsonb_build_array(
  tests.old_line('G-1'), tests.old_line('G-2', customer => null, more => '{"email": "ANN@old.example"}'),
  tests.old_line('G-3', customer => null), tests.old_line('G-4', customer => 'zoe-9')), '{"guest_customer": "guests"}');
select is(tests.rows_of(tests.last_run()), '1 applied, 2 applied, 3 applied, 4 rejected row_customer_not_found customer', 'who is not known is not guessed');
select is((select string_agg(i.external_id, ' ' order by o.order_number)
           from public.orders o join public.import_identities i on i.kind = 'customer' and i.target_id = o.user_id), 'ann-1 ann-1 guests',
  'an e-mail names the same person, and rows without anybody are the guests''');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
