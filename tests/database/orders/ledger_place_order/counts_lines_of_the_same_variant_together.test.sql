begin;
select plan(8);

select tests.create_variant('mug', stock => 5, price => 1000);
select tests.create_customer('alice', 10000);

select tests.authenticate_as('alice');
select results_eq(
  $$ select success, error_code, (error_details ->> 'requested')::int from ledger_place_order(tests.lines('mug x 3', 'mug x 3')) $$,
  $$ values (false, 'insufficient_stock', 6) $$,
  'two lines of 3 are refused when 5 are in stock (DESIGN section 4, rule 4)');
select results_eq(
  $$ select success, total_amount from ledger_place_order(tests.lines('mug x 3', 'mug x 2'), p_notes => 'both lines') $$,
  $$ values (true, 5000::bigint) $$,
  'lines of 3 and 2 take the 5 in stock');
select tests.act_as_owner();

select is(tests.stock('mug'), 0::bigint, 'no stock is left');
select results_eq(
  $$ select i.line_number, i.quantity from order_items i where i.order_id = tests.order_id('both lines') order by 1 $$,
  $$ values (1, 3::bigint), (2, 2) $$, 'the order keeps both lines');
select results_eq(
  $$ select m.quantity from stock_movements m where m.order_id = tests.order_id('both lines') $$,
  $$ values (-5::bigint) $$, 'the variant moves once, by the sum');

select is((select success from tests.change_status('both lines', 'cancelled')), true, 'the order is cancelled');
select is(tests.stock('mug'), 5::bigint, 'cancelling brings both lines back');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
