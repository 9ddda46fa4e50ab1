begin;
select plan(13);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 20000);
select tests.create_customer('bob', 20000);
select tests.create_customer('carol', 20000);
insert into discount_codes (code, kind, percent_bp, max_redemptions, max_redemptions_per_customer) values
  ('ONCE', 'percent', 1000, null, 1), ('THREE', 'percent', 1000, 3, 2);
create function pg_temp.redemptions(p_code text) returns bigint language sql as $$
  select u.redemptions from discount_usage u join discount_codes c on c.id = u.discount_code_id where c.code = p_code;
$$;

select tests.place_named_order('alice once', 'alice', tests.lines('mug x 1'), discount_code => 'ONCE');
select tests.authenticate_as('alice');
select results_eq(
  $$ select error_code, error_message from ledger_place_order(tests.lines('mug x 1'), p_discount_code => 'ONCE') $$,
  $$ values ('discount_code_already_used', 'Discount code "ONCE" can be used 1 time(s) per customer.') $$,
  'a second use by the same customer is refused');
select tests.act_as_owner();
select tests.place_named_order('bob once', 'bob', tests.lines('mug x 1'), discount_code => 'ONCE');
select is(pg_temp.redemptions('ONCE'), 2::bigint, 'another customer may use it');

select tests.place_named_order('alice 1', 'alice', tests.lines('mug x 1'), discount_code => 'THREE');
select tests.place_named_order('alice 2', 'alice', tests.lines('mug x 1'), discount_code => 'THREE');
select is(
  tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 1'), p_discount_code => 'THREE') $$),
  'discount_code_already_used', 'a third use of two is refused');
select tests.place_named_order('bob 1', 'bob', tests.lines('mug x 1'), discount_code => 'THREE');
select is(
  tests.outcome('carol', $$ ledger_place_order(tests.lines('mug x 1'), p_discount_code => 'THREE') $$),
  'discount_code_exhausted', 'a fourth use of three in total is refused');
select is(
  tests.outcome('carol', $$ order_quote(tests.lines('mug x 1'), p_discount_code => 'THREE') $$),
  'discount_code_exhausted', 'a quote says so too');

select tests.expect_success(c) from tests.change_status('alice 1', 'cancelled') c;
select is(pg_temp.redemptions('THREE'), 2::bigint, 'a cancelled order gives its use back');
select isnt(
  (select r.released_at from discount_redemptions r where r.order_id = tests.order_id('alice 1')), null,
  'the redemption is marked as released and kept');
select is(
  tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 1'), p_discount_code => 'THREE') $$), 'success',
  'the customer who cancelled may use the code again');
select is(
  tests.outcome('carol', $$ ledger_place_order(tests.lines('mug x 1'), p_discount_code => 'THREE') $$), 'success',
  'and so may another');

select tests.move_order(tests.order_id('alice 2'), 'processing', 'delivered', 'cancelled');
select is(pg_temp.redemptions('THREE'), 2::bigint, 'an order that was delivered keeps its use when it is cancelled');

select is(
  tests.outcome('carol', $$ ledger_place_order(tests.lines('mug x 1000'), p_discount_code => 'THREE') $$), 'insufficient_stock',
  'an order that is refused for its goods');
select is(pg_temp.redemptions('THREE'), 2::bigint, 'uses nothing of the code');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
