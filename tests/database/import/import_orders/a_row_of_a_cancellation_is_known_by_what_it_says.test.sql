begin;
select plan(9);
select tests.open_old_shop();
select tests.bring_in('orders', jsonb_build_array(tests.old_line('O1', quantity => '4'), tests.old_line('O1', 'PAN', '2', '20')));
create temporary table line as
  select tests.old_line('C9', quantity => '-1', placed_at => '2020-04-01') as cup,
         tests.old_line('C9', 'PAN', '-1', '20', placed_at => '2020-04-01') as pan,
         tests.old_line('C9', 'PAN', '-1', '2O', placed_at => '2020-04-01') as unreadable_pan;
create function pg_temp.bring(rows jsonb) returns text language sql as $$
  select tests.outcome_of('orders', rows, '{"cancellation_prefix": "C"}');
$$;
create function pg_temp.taken_back() returns text language sql as $$
  select string_agg(t.sku || ' ' || t.units, ', ' order by t.sku)
  from (select i.product_sku as sku, sum(f.quantity) as units
        from public.refund_lines f
        join public.order_items i on i.order_id = f.order_id and i.line_number = f.line_number
        group by i.product_sku) t;
$$;

select is((select pg_temp.bring(jsonb_build_array(cup, unreadable_pan)) from line), '1 applied, 2 rejected row_amount_not_numeric unit_price',
  'the row that can be read is applied, the other one is rejected');
select is((select pg_temp.bring(jsonb_build_array(pan)) from line), '1 applied', 'the corrected row alone is not taken for the one before it');
select is(pg_temp.taken_back(), 'CUP 1, PAN 1', 'and takes its own units back');
select is((select pg_temp.bring(jsonb_build_array(pan, cup)) from line), '1 skipped, 2 skipped', 'the same rows in another order are known');
select is((select pg_temp.bring(jsonb_build_array(pan, cup, cup)) from line), '1 skipped, 2 skipped, 3 applied',
  'a second row that says the same is another one');
select is((select pg_temp.bring(jsonb_build_array(cup, cup, pan)) from line), '1 skipped, 2 skipped, 3 skipped', 'and is known the next time');
select is(pg_temp.taken_back(), 'CUP 2, PAN 1', 'each row took its units once');
select is((select o.refunded_amount from public.orders o), 2500::bigint, 'and its money');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
