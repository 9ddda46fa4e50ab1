begin;
select plan(5);

select tests.create_variant('plain', price => 1190);
select tests.create_variant('reduced', price => 999, tax_rate_bp => 700);
select tests.create_variant('exempt', price => 500, tax_rate_bp => 0);
select tests.create_variant('half', price => 3, tax_rate_bp => 2000);
select tests.create_customer('alice', 100000);
select tests.set_setting('tax_rate_bp', '1900');
select tests.set_setting('prices_include_tax', 'true');

select tests.place_named_order('mixed', 'alice', tests.lines('plain x 1', 'reduced x 1', 'exempt x 1', 'half x 1'));
select results_eq(
  $$ select i.product_sku, i.total_price_amount, i.tax_rate_bp, i.tax_amount
     from order_items i where i.order_id = tests.order_id('mixed') order by i.line_number $$,
  $$ values ('plain', 1190::bigint, 1900, 190::bigint), -- 190.00
            ('reduced', 999, 700, 65),                  -- 65.36
            ('exempt', 500, 0, 0),
            ('half', 3, 2000, 1) $$,                    -- 0.50
  'the tax that a price contains is taken out of it, rounded per line, half up (DESIGN section 6)');
select results_eq(
  $$ select o.prices_include_tax, o.subtotal_amount, o.tax_amount, o.total_amount from tests.order_named('mixed') o $$,
  $$ values (true, 2692::bigint, 256::bigint, 2692::bigint) $$,
  'the total is the sum of the prices; the tax is within it');

select tests.set_setting('prices_include_tax', 'false');
select is(
  (select prices_include_tax from tests.order_named('mixed')), true,
  'an order remembers whether its prices contained the tax');

select tests.move_order(tests.order_id('mixed'), 'processing', 'delivered');
select is(
  array[tests.booked('alice', 'revenue'), tests.booked('alice', 'tax_payable')], array[2436, 256]::bigint[],
  'at delivery the contained tax is payable and the rest is revenue');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
