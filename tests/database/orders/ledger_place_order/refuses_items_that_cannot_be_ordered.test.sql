begin;
select plan(19);

select tests.create_variant('mug', price => 1000);
select tests.create_variant('old', price => 1000);
select tests.create_variant('gone', price => 1000);
select tests.create_variant('dear', price => 9007199254740991);
select tests.create_customer('alice', 100000);
update variants set is_active = false where sku = 'old';
update products set is_active = false where name = 'Product gone';
select tests.set_setting('max_order_lines', '3');
select tests.set_setting('max_line_quantity', '50');

create function pg_temp.outcome_of(p_items jsonb) returns text language sql as $$
  select tests.outcome('alice', format('ledger_place_order(%L)', p_items));
$$;
create function pg_temp.one(p_quantity text) returns jsonb language sql as $$
  select format('[{"variant_id": "%s", "quantity": %s}]', tests.get_variant_id('mug'), p_quantity)::jsonb;
$$;

select results_eq(
  $$ select q.quantity, pg_temp.outcome_of(pg_temp.one(q.quantity))
     from unnest(array['1', '50', '2.0', '51', '0', '-1', '1.5', '2147483648', '1e30', '"1"', 'null', 'true', '[1]']) q (quantity) $$,
  $$ values ('1', 'success'), ('50', 'success'), ('2.0', 'success'), ('51', 'invalid_quantity'), ('0', 'invalid_quantity'),
            ('-1', 'invalid_quantity'), ('1.5', 'invalid_quantity'), ('2147483648', 'invalid_quantity'), ('1e30', 'invalid_quantity'),
            ('"1"', 'invalid_quantity'), ('null', 'invalid_quantity'), ('true', 'invalid_quantity'), ('[1]', 'invalid_quantity') $$,
  'a quantity is a whole number from 1 to the setting''s maximum');
select results_eq(
  $$ select s.shape, pg_temp.outcome_of(s.shape::jsonb)
     from unnest(array['[]', '{}', '"mug"', '7', 'null', '[1]', '[null]', '[[]]', '[{}]', '[{"quantity": 1}]',
                       '[{"variant_id": 5, "quantity": 1}]', '[{"variant_id": "mug", "quantity": 1}]']) s (shape) $$,
  $$ values ('[]', 'empty_order'), ('{}', 'invalid_argument'), ('"mug"', 'invalid_argument'), ('7', 'invalid_argument'),
            ('null', 'invalid_argument'), ('[1]', 'invalid_items'), ('[null]', 'invalid_items'), ('[[]]', 'invalid_items'),
            ('[{}]', 'invalid_items'), ('[{"quantity": 1}]', 'invalid_items'),
            ('[{"variant_id": 5, "quantity": 1}]', 'invalid_items'), ('[{"variant_id": "mug", "quantity": 1}]', 'invalid_items') $$,
  'items of the wrong shape are refused by their own codes');
select is(tests.outcome('alice', 'ledger_place_order(null)'), 'invalid_argument', 'no items at all are refused');
select is(
  pg_temp.outcome_of(tests.lines('mug x 1', 'mug x 1', 'mug x 1', 'mug x 1')), 'too_many_lines',
  'more lines than the setting''s maximum are refused');
select is(pg_temp.outcome_of(tests.lines('mug x 1', 'mug x 1', 'mug x 1')), 'success', 'as many lines as the maximum are taken');
select is(
  pg_temp.outcome_of(jsonb_build_array(jsonb_build_object('variant_id', gen_random_uuid(), 'quantity', 1))), 'variant_not_found',
  'a variant that does not exist is refused');
select is(pg_temp.outcome_of(tests.lines('old x 1')), 'variant_unavailable', 'a variant that is not for sale is refused');
select is(pg_temp.outcome_of(tests.lines('gone x 1')), 'variant_unavailable', 'a variant of a product that is not for sale is refused');
select is(pg_temp.outcome_of(tests.lines('dear x 2')), 'amount_too_large', 'a subtotal beyond 2^53 - 1 is refused (DESIGN section 4, rule 1)');
select is(pg_temp.outcome_of(tests.lines('dear x 1', 'mug x 1')), 'amount_too_large', 'so is one of several lines');

insert into discount_codes (code, kind, percent_bp) values ('ALL', 'percent', 10000);
select is(
  tests.outcome('alice', $$ ledger_place_order(tests.lines('dear x 2'), p_discount_code => 'ALL') $$), 'amount_too_large',
  'a subtotal beyond the limit is refused also when a discount leaves nothing to pay');

select tests.authenticate_as('alice');
select results_eq(
  $$ select error_message from ledger_place_order(tests.lines('mug x 1', 'old x 1')) $$,
  $$ values ('Line 2: "Product old, Variant old" is not for sale at present.') $$, 'the message names the line');
select is(
  (select error_message from ledger_place_order(tests.lines('mug x 1') || pg_temp.one('0'))),
  'Line 2: the quantity must be a whole number from 1 to 50, not 0.', 'and what would be right');
select tests.act_as_owner();

select tests.set_setting('tax_rate_bp', '1900');
select is(pg_temp.outcome_of(tests.lines('dear x 1')), 'amount_too_large', 'a total that only its tax takes beyond the limit is refused');
select tests.set_setting('tax_rate_bp', '10000'), tests.set_setting('max_order_lines', '5000');
select is(
  pg_temp.outcome_of((select jsonb_agg(tests.lines('dear x 1') -> 0) from generate_series(1, 1100))), 'amount_too_large',
  'so is one that not even 2^63 would hold, nor its tax');
select tests.set_setting('max_order_lines', '3');
select is(
  tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 1'), p_notes => repeat('x', 2001)) $$), 'invalid_argument',
  'notes of more than 2000 characters are refused');
select is(
  tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 1'), p_metadata => '[]') $$), 'invalid_argument',
  'metadata that is no object is refused');
select is(
  tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 1'), p_metadata => jsonb_build_object('x', repeat('x', 17000))) $$),
  'invalid_argument', 'metadata of more than 16 KB is refused');
select is(tests.orders_and_available('alice'), '0/100000', 'nothing was charged');

select * from finish();
rollback;
