begin;
select plan(7);

select tests.create_variant('plain', price => 333);
select tests.create_variant('reduced', price => 250, tax_rate_bp => 700);
select tests.create_variant('exempt', price => 500, tax_rate_bp => 0);
select tests.create_variant('half', price => 50);
select tests.create_variant('below half', price => 49);
select tests.create_customer('alice', 100000);
select tests.set_setting('tax_rate_bp', '1900');

select tests.place_named_order('mixed', 'alice', tests.lines('plain x 3', 'reduced x 1', 'exempt x 1'));
select results_eq(
  $$ select i.product_sku, i.total_price_amount, i.tax_rate_bp, i.tax_amount
     from order_items i where i.order_id = tests.order_id('mixed') order by i.line_number $$,
  $$ values ('plain', 999::bigint, 1900, 190::bigint), -- 189.81
            ('reduced', 250, 700, 18),                 -- 17.50
            ('exempt', 500, 0, 0) $$,
  'each line is taxed at its product''s own rate, or at the setting''s, rounded per line, half up (source 004, DESIGN section 6)');
select results_eq(
  $$ select o.prices_include_tax, o.subtotal_amount, o.tax_amount, o.total_amount from tests.order_named('mixed') o $$,
  $$ values (false, 1749::bigint, 208::bigint, 1957::bigint) $$,
  'the total is the subtotal and the lines'' tax');

select tests.set_setting('tax_rate_bp', '100');
select tests.place_named_order('halves', 'alice', tests.lines('half x 1', 'half x 1', 'below half x 1'));
select results_eq(
  $$ select i.tax_amount from order_items i where i.order_id = tests.order_id('halves') order by i.line_number $$,
  $$ values (1::bigint), (1), (0) $$,
  '0.50 rounds to 1, 0.49 to 0, line by line and not on their sum');
select is((select total_amount from tests.order_named('halves')), 151::bigint, 'the total holds the rounded taxes');

select is((select tax_amount from tests.order_named('mixed')), 208::bigint, 'a changed rate leaves earlier orders as they are');
select is(tests.orders_and_available('alice'), '2108/97892', 'the wallet pays the totals with tax');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
