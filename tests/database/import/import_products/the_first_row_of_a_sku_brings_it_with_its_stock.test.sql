begin;
select plan(7);
select tests.create_variant('HERE', 5, 777);

select tests.bring_in('products', '[
  {"sku": "A", "name": "", "price": "1"},
  {"sku": "A", "name": "Cup", "price": "1.50", "stock": "12", "tax_rate": "7.5%", "vendor": "Clay"},
  {"sku": "A", "name": "Cup again", "price": "9"},
  {"sku": "T-S", "name": "Shirt, small", "product": "Shirt", "price": "10", "vendor": "Clay"},
  {"sku": "T-L", "name": "Shirt, large", "product": "Shirt", "variant": "large", "price": "11", "active": "no"},
  {"sku": "HERE", "name": "Something else", "price": "1", "stock": "100"}]');

select is(tests.rows_of(tests.last_run()), '1 rejected row_value_missing name, 2 applied, 3 skipped, 4 applied, 5 applied, 6 skipped', 'the first row that can be read counts');
select results_eq(
  $$select v.sku, p.name, v.name, v.price_amount, p.tax_rate_bp, w.name, v.is_active, s.stock_quantity
    from public.variants v join public.products p on p.id = v.product_id left join public.vendors w on w.id = p.vendor_id
    join public.variant_stock s on s.variant_id = v.id order by v.sku$$,
  $$values ('A', 'Cup', 'Default', 150::bigint, 750, 'Clay', true, 12::bigint), ('HERE', 'Product HERE', 'Variant HERE', 777, null, null, true, 5),
           ('T-L', 'Shirt', 'large', 1100, null, 'Clay', false, 0), ('T-S', 'Shirt', 'Shirt, small', 1000, null, 'Clay', true, 0)$$,
  'products, variants, vendors and stock are there, and what was here is as it was');
select is((select count(*) from public.products p where p.name = 'Shirt'), 1::bigint, 'rows of one product are variants of it');
select is((select count(*) from public.vendors), 1::bigint, 'a vendor is one');
select results_eq(
  $$select m.reason, m.quantity from public.stock_movements m join public.variants v on v.id = m.variant_id where v.sku = 'A'$$,
  $$values ('received', 12::bigint)$$, 'the opening stock was received');
select tests.bring_in('products', '[{"sku": "A", "name": "Cup", "price": "3", "stock": "4"}, {"sku": "T-M", "name": "Shirt, middle", "product": "Shirt", "price": "10"}]');
select is((select count(*) from public.products p where p.name = 'Shirt'), 1::bigint, 'a later import adds to the product it knows');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
