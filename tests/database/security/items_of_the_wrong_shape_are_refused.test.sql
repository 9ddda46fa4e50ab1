-- p_items is [{"variant_id": uuid, "quantity": whole number}]: anything else is refused, by ledger_place_order
-- and order_quote alike, for customers and visitors, and changes nothing (DESIGN section 6, rule 1).
begin;
select tests.create_customer('ann', 9007199254740991), tests.create_variant('MUG', 10000000, 100), tests.create_variant('DEAR', 10, 9007199254740991),
       tests.create_variant('TAXED', 10, 9007199254740991, tax_rate_bp => 1), tests.create_variant('SHIPPED', 10, 9007199254740990),
       tests.create_variant('YEN', 10, 100, 'JPY');
insert into public.shipping_methods (code, currency, name, price_amount) values ('POST', 'USD', 'Post', 2);
update public.rate_limits set capacity = 1000000;

create temp table asked (n serial, expected text, items text, what text);
insert into asked (expected, items, what)
select v.expected, replace(replace(v.items, 'MUG', tests.get_variant_id('MUG')::text), 'DEAR', tests.get_variant_id('DEAR')::text), v.what
from (values
  ('invalid_argument', null, 'null'),
  ('invalid_argument', 'null', 'a JSON null'),
  ('invalid_argument', '{}', 'an object'),
  ('invalid_argument', '{"variant_id": "MUG", "quantity": 1}', 'one line without its array'),
  ('invalid_argument', '"[{\"variant_id\": \"MUG\", \"quantity\": 1}]"', 'JSON within a JSON text, as a client that encodes twice sends it'),
  ('invalid_argument', '5', 'a number'),
  ('invalid_argument', 'true', 'a boolean'),
  ('empty_order', '[]', 'no lines'),
  ('invalid_items', '[null]', 'a line that is null'),
  ('invalid_items', '[1]', 'a line that is a number'),
  ('invalid_items', '["MUG"]', 'a line that is a text'),
  ('invalid_items', '[[]]', 'a line that is an array'),
  ('invalid_items', '[{}]', 'a line without anything'),
  ('invalid_items', '[{"quantity": 1}]', 'a line without a variant'),
  ('invalid_items', '[{"variant_id": null, "quantity": 1}]', 'a variant that is null'),
  ('invalid_items', '[{"variant_id": 7, "quantity": 1}]', 'a variant that is a number'),
  ('invalid_items', '[{"variant_id": ["MUG"], "quantity": 1}]', 'a variant in an array'),
  ('invalid_items', '[{"variant_id": "", "quantity": 1}]', 'an empty variant'),
  ('invalid_items', '[{"variant_id": "mug", "quantity": 1}]', 'a variant that is no UUID'),
  ('invalid_items', '[{"variant_id": "{MUG}", "quantity": 1}]', 'a UUID in braces'),
  ('invalid_items', '[{"variant_id": "MUG\n", "quantity": 1}]', 'a UUID with a line break'),
  ('invalid_items', '[{"variant_id": "MUG'' or true --", "quantity": 1}]', 'a UUID with SQL behind it'),
  ('invalid_items', '[{"VARIANT_ID": "MUG", "quantity": 1}]', 'a name in the wrong case'),
  ('invalid_quantity', '[{"variant_id": "MUG"}]', 'no quantity'),
  ('invalid_quantity', '[{"variant_id": "MUG", "quantity": null}]', 'a quantity of null'),
  ('invalid_quantity', '[{"variant_id": "MUG", "quantity": 0}]', 'a quantity of 0'),
  ('invalid_quantity', '[{"variant_id": "MUG", "quantity": -0.0}]', 'a quantity of -0'),
  ('invalid_quantity', '[{"variant_id": "MUG", "quantity": -1}]', 'a quantity of -1'),
  ('invalid_quantity', '[{"variant_id": "MUG", "quantity": 1.5}]', 'a quantity of 1.5'),
  ('invalid_quantity', '[{"variant_id": "MUG", "quantity": 0.99999999999999999999}]', 'almost 1'),
  ('invalid_quantity', '[{"variant_id": "MUG", "quantity": 1.00000000000000000000000001}]', 'a little more than 1'),
  ('invalid_quantity', '[{"variant_id": "MUG", "quantity": "1"}]', 'a quantity that is the text "1"'),
  ('invalid_quantity', '[{"variant_id": "MUG", "quantity": true}]', 'a quantity of true'),
  ('invalid_quantity', '[{"variant_id": "MUG", "quantity": [1]}]', 'a quantity in an array'),
  ('invalid_quantity', '[{"variant_id": "MUG", "quantity": {"value": 1}}]', 'a quantity in an object'),
  ('invalid_quantity', '[{"variant_id": "MUG", "quantity": 1000001}]', 'more than the setting max_line_quantity'),
  ('invalid_quantity', '[{"variant_id": "MUG", "quantity": 2147483648}]', 'a quantity of 2^31'),
  ('invalid_quantity', '[{"variant_id": "MUG", "quantity": 9223372036854775808}]', 'a quantity of 2^63'),
  ('invalid_quantity', '[{"variant_id": "MUG", "quantity": 1e400}]', 'a quantity of 1e400'),
  ('invalid_quantity', '[{"variant_id": "MUG", "quantity": -1e400}]', 'a quantity of -1e400'),
  ('invalid_quantity', '[{"variant_id": "MUG", "quantity": 1e-5}]', 'a quantity of 1e-5'),
  ('invalid_quantity', '[{"variant_id": "MUG", "quantity": 1e-400}]', 'a quantity of 1e-400'),
  ('invalid_quantity', '[{"variant_id": "MUG", "quantity": 1}, {"variant_id": "MUG", "quantity": -1}]', 'a good line beside a negative one'),
  ('variant_not_found', '[{"variant_id": "00000000-0000-0000-0000-000000000000", "quantity": 1}]', 'a variant that does not exist'),
  ('amount_too_large', '[{"variant_id": "DEAR", "quantity": 2}]', 'goods for more than 2^53 - 1'),
  ('amount_too_large', '[{"variant_id": "DEAR", "quantity": 1}, {"variant_id": "MUG", "quantity": 1}]', 'lines that only together are too large'),
  ('amount_too_large', '[{"variant_id": "DEAR", "quantity": 1000000}]', 'goods for more than 2^63'),
  ('success', '[{"variant_id": "MUG", "quantity": 1}]', 'a good line'),
  ('success', '[{"variant_id": "MUG", "quantity": 1.0}]', 'a whole number written as 1.0'),
  ('success', '[{"variant_id": "MUG", "quantity": 1e1}]', 'a whole number written as 1e1'),
  ('success', '[{"variant_id": "MUG", "quantity": 2, "price": 1, "unit_price_amount": 0}]', 'a line with a price of its own, which counts for nothing')
) v (expected, items, what);
insert into asked (expected, items, what) values
  ('currency_mismatch', (tests.items('MUG') || tests.items('YEN'))::text, 'variants in two currencies'),
  ('amount_too_large', tests.items('TAXED')::text, 'goods that only with their tax are too large'),
  ('success', upper(tests.items('MUG') #>> '{0,variant_id}')::text, 'a UUID in capitals'),
  ('too_many_lines', (select jsonb_agg(tests.items('MUG') -> 0) from generate_series(1, 501))::text, '501 lines'),
  ('too_many_lines', (select jsonb_agg(tests.items('MUG') -> 0) from generate_series(1, 10000))::text, '10,000 lines'),
  ('success', (select jsonb_agg(tests.items('MUG') -> 0) from generate_series(1, 500))::text, '500 lines');
update asked set items = format('[{"variant_id": "%s", "quantity": 1}]', items) where what = 'a UUID in capitals';

create temp table before as select tests.state() as state;
select plan((select count(*)::int from asked) * 2 + 15);
select is(tests.try_as('anon', format('select * from public.order_quote(%L)', items)), expected, format('order_quote of %s: %s', what, expected)) from asked order by n;
-- a refusal is left standing, so that anything it wrote would show below
select is(case expected when 'success' then tests.try_as('ann', c.call) else tests.outcome_as('ann', c.call) end, expected,
  format('ledger_place_order of %s: %s', what, expected))
from asked, lateral (select format('select * from public.ledger_place_order(%L, p_payment_method => ''bank_transfer'')', items) as call) c order by n;
select is(tests.changes((select state from before), tests.state()), null, 'no refused order changed anything');

select is(tests.outcome_as('ann', format('select * from public.ledger_place_order(%L, p_shipping_method => ''POST'')', tests.items('SHIPPED'))), 'amount_too_large',
  'goods that only with their shipping are too large are refused');
select is(tests.outcome_as('ann', format('select * from public.ledger_place_order(%L, p_wallet_amount => %s)', tests.items('MUG'), a)), 'invalid_wallet_amount',
  format('a wallet part of %s is refused', a)) from unnest('{-1,0,99,101,9223372036854775807,-9223372036854775808}'::bigint[]) a;
select is(tests.outcome_as('ann', format('select * from public.ledger_place_order(%L, p_expected_total => %s)', tests.items('MUG'), a)), 'price_changed',
  format('an expected total of %s is refused', a)) from unnest('{-1,0,9223372036854775807}'::bigint[]) a;

-- the line that is wrong is named, and what is echoed is short
create temp table answer as select q.* from public.order_quote(tests.items('MUG') || jsonb_build_array(jsonb_build_object(
  'variant_id', tests.get_variant_id('MUG'), 'quantity', 1e400))) q;
select matches((select error_message from answer), '^Line 2: the quantity must be a whole number from 1 to 1000000, not 1000', 'the message names the line and what would be right');
select cmp_ok((select length(error_message) from answer), '<', 200, 'and does not repeat 400 digits');

-- what no JSON text can hold
select throws_ok($$ select '[{"variant_id": "\u0000", "quantity": 1}]'::jsonb $$, '22P05', null, 'a NUL in a JSON text does not reach a procedure');
select is(tests.changes((select state from before), tests.state()), null, 'nothing refused since changed anything either');
select * from finish();
rollback;
