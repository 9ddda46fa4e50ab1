begin;
select plan(9);

select tests.create_variant('mug', stock => 10, price => 1000);
select tests.create_customer('alice', 5000);
select tests.place_named_order('order', 'alice', tests.lines('mug x 2'));
create temp table before as select tests.state() as state;

create temp table tried as
  select * from ledger_edit_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 4}]', p_dry_run => true, p_idempotency_key => 'k1');
select results_eq(
  $$ select success, transaction_id, version, total_amount, difference_amount, wallet_amount, returned_amount, outstanding_amount, payment_status from tried $$,
  $$ values (true, null::uuid, 1::bigint, 4000::bigint, 2000::bigint, 2000::bigint, 0::bigint, 0::bigint, 'paid') $$, 'a dry run answers what an edit would do');
select is((select returned_amount from ledger_edit_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 1}]', true)), 1000::bigint, 'or would give back');
select is((select error_code from ledger_edit_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 6}]', true)), 'insufficient_funds', 'or why it would be refused');
select is((select error_code from ledger_edit_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 13}]', true)), 'insufficient_stock', 'the stock first');
select is(tests.changes((select state from before), tests.state()), null, 'and writes nothing, no key either');

create temp table done as
  select * from ledger_edit_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 4}]', p_expected_version => 1, p_expected_total => 4000, p_idempotency_key => 'k1');
select is((select error_code from done), null, 'the edit itself may use the key, and what the dry run answered');
select results_eq(
  $$ select (to_jsonb(d) - 'transaction_id' - 'version') from done d $$, $$ select (to_jsonb(t) - 'transaction_id' - 'version') from tried t $$,
  'and answers the same');
select is(tests.orders_and_available('alice'), '4000/1000', 'now it is done');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
