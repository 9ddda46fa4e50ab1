begin;
select plan(12);

select tests.create_variant('a', price => 100);
select tests.create_variant('b', price => 333, tax_rate_bp => 1000);
select tests.create_variant('free', price => 0);
select tests.create_customer('alice', 100000);
insert into discount_codes (code, kind, percent_bp) values ('TEN', 'percent', 1000), ('ODD', 'percent', 3333), ('ALL', 'percent', 10000);
insert into discount_codes (code, kind, fixed_amount, currency) values ('TAKE100', 'fixed', 100, 'USD'), ('HUGE', 'fixed', 1000000, 'USD');

select tests.place_named_order('percent', 'alice', tests.lines('a x 1', 'b x 1', 'b x 2'), discount_code => 'TEN');
select results_eq(
  $$ select i.total_price_amount, i.discount_amount, i.tax_amount
     from order_items i where i.order_id = tests.order_id('percent') order by i.line_number $$,
  $$ values (100::bigint, 10::bigint, 0::bigint), -- of 110 off 1099
            (333, 33, 30),                        -- 10 % of 300
            (666, 67, 60) $$,                     -- 10 % of 599
  'a discount is shared out in proportion and taxed away line by line (DESIGN section 6)');
select results_eq(
  $$ select o.subtotal_amount, o.discount_amount, o.tax_amount, o.total_amount from tests.order_named('percent') o $$,
  $$ values (1099::bigint, 110::bigint, 90::bigint, 1079::bigint) $$,
  '10 % of 1099 is 110, half up; the total is what is left, and its tax');

select tests.place_named_order('fixed', 'alice', tests.lines('a x 1', 'a x 1', 'a x 1'), discount_code => 'TAKE100');
select results_eq(
  $$ select i.discount_amount from order_items i where i.order_id = tests.order_id('fixed') order by i.line_number $$,
  $$ values (33::bigint), (33), (34) $$,
  '100 off three equal lines is 33, 33 and 34: nothing is lost to rounding');

select tests.place_named_order('odd', 'alice', tests.lines('a x 1', 'b x 1', 'free x 4', 'a x 7', 'b x 2', 'a x 1'), discount_code => 'ODD');
select is(
  (select sum(i.discount_amount)::bigint from order_items i where i.order_id = tests.order_id('odd')),
  (select o.discount_amount from tests.order_named('odd') o), 'the shares add up to the discount');
select is((select discount_amount from tests.order_named('odd')), 633::bigint, '33.33 % of 1899 is 632.94, rounded half up');
select ok(
  (select bool_and(i.discount_amount <= i.total_price_amount) from order_items i where i.order_id = tests.order_id('odd')),
  'no line is discounted by more than its price');

select tests.place_named_order('more than the goods', 'alice', tests.lines('a x 2'), discount_code => 'HUGE');
select results_eq(
  $$ select o.discount_amount, o.total_amount, o.payment_status from tests.order_named('more than the goods') o $$,
  $$ values (200::bigint, 0::bigint, 'paid') $$,
  'a fixed amount larger than the goods takes off the goods and no more');
select tests.place_named_order('all of it', 'alice', tests.lines('b x 3'), discount_code => 'ALL');
select results_eq(
  $$ select o.discount_amount, o.tax_amount, o.total_amount from tests.order_named('all of it') o $$,
  $$ values (999::bigint, 0::bigint, 0::bigint) $$, '100 % leaves nothing to pay and nothing to tax');
select tests.place_named_order('gift', 'alice', tests.lines('free x 1'), discount_code => 'TEN');
select is((select total_amount from tests.order_named('gift')), 0::bigint, 'goods that cost nothing can be ordered with a code');

select tests.place_named_order('lower case', 'alice', tests.lines('a x 1'), discount_code => ' ten ');
select is((select discount_amount from tests.order_named('lower case')), 10::bigint, 'codes are taken in any case');
select is(
  (select r.amount from discount_redemptions r where r.order_id = tests.order_id('lower case')), 10::bigint,
  'what a code took off is recorded with the order');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
