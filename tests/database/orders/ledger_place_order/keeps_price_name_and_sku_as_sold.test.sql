begin;
select plan(4);

select tests.create_variant('mug', price => 1250, tax_rate_bp => 1000);
select tests.create_customer('alice', 5000);
insert into vendors (name) values ('Clay');
update products set vendor_id = (select id from vendors where name = 'Clay') where name = 'Product mug';
select tests.place_named_order('first', 'alice', tests.lines('mug x 2'));

insert into vendors (name) values ('Other');
update products set name = 'Renamed', tax_rate_bp = 2000, vendor_id = (select id from vendors where name = 'Other'), is_active = false
where name = 'Product mug';
update variants set sku = 'NEW-SKU', name = 'Huge', price_amount = 9999, is_active = false where sku = 'mug';

select results_eq(
  $$ select i.product_name, i.product_sku, i.variant_name, i.quantity, i.unit_price_amount, i.total_price_amount, i.tax_rate_bp,
            i.tax_amount, (select v.name from vendors v where v.id = i.vendor_id)
     from order_items i where i.order_id = tests.order_id('first') $$,
  $$ values ('Product mug', 'mug', 'Variant mug', 2::bigint, 1250::bigint, 2500::bigint, 1000, 250::bigint, 'Clay') $$,
  'price, tax rate, names, SKU and vendor of a line stay as they were sold, whatever the catalogue says later (source 004)');
select is((select total_amount from tests.order_named('first')), 2750::bigint, 'the total stays as it was charged');
select is(
  (select returned_amount from tests.change_status('first', 'cancelled')), 2750::bigint,
  'cancelling returns what was charged, not what it would cost now');
select is(tests.stock('NEW-SKU'), 100::bigint, 'the goods come back though they are not for sale any more');

select * from finish();
rollback;
