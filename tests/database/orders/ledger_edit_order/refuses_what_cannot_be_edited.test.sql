begin;
select plan(52);

select tests.create_variant('mug', stock => 50, price => 1000);
select tests.create_variant('dinar', stock => 50, price => 1000, currency => 'IQD');
select tests.create_customer('alice', 20000);
select tests.place_named_order('order', 'alice', tests.lines('mug x 2', 'mug x 3'));
create function pg_temp.edit(p_changes text, p_more text default '', p_name text default 'order') returns text language sql as $$
  select tests.outcome(null, format('ledger_edit_order(%L, %L%s)', tests.order_id(p_name), p_changes, p_more));
$$;
create temp table before as select tests.state() as state;

-- what is no list of changes
select is(pg_temp.edit(c.changes), c.expected, format('%s: %s', coalesce(c.changes, 'null'), c.expected))
from (values
  (null, 'invalid_argument'), ('null', 'invalid_argument'), ('[]', 'invalid_argument'), ('{}', 'invalid_argument'), ('"x"', 'invalid_argument'), ('[1]', 'invalid_argument'), ('[null]', 'invalid_argument'),
  ('[{}]', 'invalid_argument'), ('[{"quantity": 1}]', 'invalid_argument'),
  ('[{"line_number": 1, "variant_id": "x", "quantity": 1}]', 'invalid_argument'),
  ('[{"line_number": "1", "quantity": 1}]', 'invalid_argument'), ('[{"line_number": 1.5, "quantity": 1}]', 'invalid_argument'),
  ('[{"line_number": 0, "quantity": 1}]', 'invalid_argument'), ('[{"line_number": null, "quantity": 1}]', 'invalid_argument'), ('[{"line_number": 1e400, "quantity": 1}]', 'invalid_argument'),
  ('[{"line_number": 1, "quantity": 1}, {"line_number": 1, "quantity": 2}]', 'invalid_argument'),
  ('[{"line_number": 1, "quantity": 1}, {"line_number": 1.0, "quantity": 2}]', 'invalid_argument'),
  ('[{"line_number": 1}]', 'invalid_quantity'), ('[{"line_number": 1, "quantity": -1}]', 'invalid_quantity'), ('[{"line_number": 1, "quantity": "2"}]', 'invalid_quantity'),
  ('[{"line_number": 1, "quantity": 1.5}]', 'invalid_quantity'), ('[{"line_number": 1, "quantity": 1000001}]', 'invalid_quantity'), ('[{"line_number": 1, "quantity": 1e400}]', 'invalid_quantity'),
  ('[{"line_number": 3, "quantity": 1}]', 'line_not_found'), ('[{"line_number": 2147483647, "quantity": 0}]', 'line_not_found'),
  ('[{"variant_id": "x", "quantity": 1}]', 'invalid_items'), ('[{"variant_id": null, "quantity": 1}]', 'invalid_items'), ('[{"variant_id": "00000000-0000-0000-0000-000000000000", "quantity": 1}]', 'variant_not_found'),
  ('[{"line_number": 1, "quantity": 0}, {"line_number": 2, "quantity": 0}]', 'empty_order')) c (changes, expected);
select is(pg_temp.edit(format('[{"variant_id": "%s", "quantity": %s}]', tests.get_variant_id('mug'), q.quantity)), 'invalid_quantity', format('%s added: invalid_quantity', q.quantity))
from unnest(array['0', '-1', '1.5', '"1"', 'null', '1000001']) q (quantity);
select is(pg_temp.edit(tests.lines('dinar x 1')::text), 'currency_mismatch', 'one order has one currency');
select is(pg_temp.edit('[{"line_number": 1, "quantity": 1}]', ', p_reason => repeat(''x'', 2001)'), 'invalid_argument', 'a reason is short');
select is(tests.outcome(null, 'ledger_edit_order(null, ''[{"line_number": 1, "quantity": 1}]'')'), 'order_not_found', 'an edit is of an order');

-- what has changed since the caller looked
select is(pg_temp.edit('[{"line_number": 1, "quantity": 1}]', ', p_expected_version => 2'), 'version_conflict', 'another version than expected');
select is(pg_temp.edit('[{"line_number": 1, "quantity": 1}]', ', p_expected_version => 1, p_expected_total => 4000'), 'success', 'version and total as expected');
select is(pg_temp.edit('[{"line_number": 1, "quantity": 1}]', ', p_expected_total => 5000'), 'price_changed', 'another total than expected');

-- money
select is(pg_temp.edit('[{"line_number": 1, "quantity": 18}]'), 'insufficient_funds', 'more than the wallet holds');
select is(pg_temp.edit('[{"line_number": 1, "quantity": 17}]'), 'success', 'all it holds');
select is(pg_temp.edit('[{"line_number": 1, "quantity": 3}]', ', p_wallet_amount => 999'), 'invalid_wallet_amount', 'an order that the wallet pays is paid whole');
select is(tests.changes((select state from before), tests.state()), null, 'nothing that was refused changed anything');
select tests.expect_success(f) from ledger_freeze_account(tests.get_supabase_uid('alice'), true, 'looked into') f;
select is(pg_temp.edit('[{"line_number": 1, "quantity": 3}]'), 'account_frozen', 'a frozen account buys nothing more');
select is(pg_temp.edit('[{"line_number": 1, "quantity": 1}]'), 'success', 'but may take less');
select tests.expect_success(f) from ledger_freeze_account(tests.get_supabase_uid('alice'), false) f;

-- where it is too late
select tests.place_named_order('refunded in part', 'alice', tests.lines('mug x 2'));
select tests.move_order(tests.order_id('refunded in part'), 'processing');
select tests.expect_success(r) from ledger_refund_order(tests.order_id('refunded in part'), p_amount => 1) r;
select is(pg_temp.edit('[{"line_number": 1, "quantity": 1}]', '', 'refunded in part'), 'edit_not_allowed', 'an order that was refunded in part is not edited');
select tests.move_order(tests.order_id('order'), 'processing');
select tests.expect_success(s) from ledger_ship_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 2}, {"line_number": 2, "quantity": 1}]') s;
select results_eq(
  $$ select error_code, error_message from ledger_edit_order(tests.order_id('order'), '[{"line_number": 2, "quantity": 0}]') $$,
  $$ select 'line_shipped', format('Of line 2 of order %s, "Product mug, Variant mug", 1 are shipped already; it cannot go down to 0.', o.order_number) from tests.order_named('order') o $$,
  'what is shipped stays');
select is(pg_temp.edit('[{"line_number": 2, "quantity": 1}]'), 'success', 'what is not may go');
select tests.move_order(tests.order_id('order'), 'shipped');
select is(pg_temp.edit('[{"line_number": 2, "quantity": 4}]'), 'edit_not_allowed', 'a shipped order is not edited');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
