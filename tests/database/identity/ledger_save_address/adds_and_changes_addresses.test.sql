begin;
select plan(14);
select tests.create_customer('ann', 10000), tests.create_customer('bob'), tests.create_variant('MUG', 10);
select tests.authenticate_as('ann');
select is((select address_id is not null and success from public.ledger_save_address('Ann', '1 Mill Lane', 'Basra', 'iq', p_postal_code => '61001')), true, 'an address is added');
select results_eq('select recipient, line1, city, country, postal_code, line2 from public.addresses',
  $$ values ('Ann', '1 Mill Lane', 'Basra', 'IQ', '61001', null) $$, 'with what was given, the country in capitals');
select is((select user_id from public.addresses), auth.uid(), 'for the caller');
create temp table placed as select o.order_id from public.ledger_place_order(tests.items('MUG'), p_shipping_address_id => (select id from public.addresses)) o;
select is((select address_id from public.ledger_save_address('Ann', '2 Mill Lane', 'Basra', 'IQ', p_address_id => (select id from public.addresses))), (select id from public.addresses),
  'an address is changed under its id');
select results_eq('select line1, postal_code from public.addresses', $$ values ('2 Mill Lane', null) $$, 'to what was given, without what was not');
select is((select shipping_address ->> 'line1' from public.orders), '1 Mill Lane', 'an order keeps the address it was placed with (source 004)');

-- every limit, at it and beyond it
select is(tests.try_as('ann', format('select * from public.ledger_save_address(%s)', arguments)), expected, what) from (values
  ($$repeat('x', 200), repeat('x', 300), repeat('x', 200), 'DE', repeat('x', 300), repeat('x', 200), repeat('x', 20), repeat('x', 40)$$, 'success', 'every text may be as long as it may be'),
  ($$repeat('x', 201), '1', 'B', 'DE'$$, 'invalid_argument', 'a longer recipient is refused'),
  ($$'A', '', 'B', 'DE'$$, 'invalid_argument', 'an empty line is refused'),
  ($$'A', '1', 'B', 'DEU'$$, 'invalid_argument', 'a country of three letters is refused'),
  ($$'A', '1', 'B', 'D1'$$, 'invalid_argument', 'a country with a digit is refused'),
  ($$'A', '1', 'B', 'DE', p_phone => repeat('1', 41)$$, 'invalid_argument', 'a longer phone number is refused')) v (arguments, expected, what);
select is((select error_message from public.ledger_save_address('A', '1', 'B', 'Germany')), 'p_country: the two letters of ISO 3166-1, such as IQ', 'the message says what would be right');
select is((select count(*)::int from public.addresses), 1, 'no refused address is kept');
select * from finish();
rollback;
