begin;
select plan(7);

select tests.create_variant('mug', price => 1000, tax_rate_bp => 1000);
select tests.create_variant('dinar mug', price => 1000, currency => 'IQD');
select tests.create_customer('alice', 100000);
select tests.create_customer('bob', 100000, 'IQD');
insert into shipping_methods (code, currency, name, price_amount, is_active) values
  ('courier', 'USD', 'Courier', 499, true), ('courier', 'IQD', 'Courier', 5000, true), ('drone', 'USD', 'Drone', 1, false);
insert into discount_codes (code, kind, percent_bp) values ('ALL', 'percent', 10000);

select tests.authenticate_as('alice');
select is(
  (select total_amount from ledger_place_order(tests.lines('mug x 2'), p_shipping_method => 'courier', p_notes => 'sent')),
  2699::bigint, 'shipping is added to goods and tax (source 004)');
select is(
  (select total_amount from ledger_place_order(tests.lines('mug x 1'), p_shipping_method => 'courier', p_discount_code => 'ALL')),
  499::bigint, 'a discount takes nothing off the shipping');
select tests.act_as_owner();
select results_eq(
  $$ select o.subtotal_amount, o.shipping_amount, o.tax_amount, o.shipping_method from tests.order_named('sent') o $$,
  $$ values (2000::bigint, 499::bigint, 200::bigint, 'courier') $$, 'shipping carries no tax and is kept apart');

select tests.authenticate_as('bob');
select is(
  (select total_amount from ledger_place_order(tests.lines('dinar mug x 1'), p_shipping_method => 'courier')), 6000::bigint,
  'the price of shipping is the one in the order''s currency');
select is(
  (select error_code from ledger_place_order(tests.lines('dinar mug x 1'), p_shipping_method => 'drone')), 'shipping_method_unavailable',
  'a method without a price in the order''s currency is refused');
select tests.act_as_owner();

select results_eq(
  $$ select m.method, tests.outcome('alice', format('ledger_place_order(tests.lines(''mug x 1''), p_shipping_method => %L)', m.method))
     from unnest(array['courier', 'drone', 'pigeon', '']) m (method) $$,
  $$ values ('courier', 'success'), ('drone', 'shipping_method_unavailable'), ('pigeon', 'shipping_method_unavailable'),
            ('', 'shipping_method_unavailable') $$,
  'methods that are switched off or unknown are refused');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
