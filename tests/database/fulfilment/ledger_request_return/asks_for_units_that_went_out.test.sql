begin;
select plan(30);

select tests.create_variant('mug', price => 1000, stock => 20);
select tests.create_customer('alice', 20000);
select tests.create_customer('bob', 20000);
select tests.create_staff(r.code, r.code) from roles r;
select tests.place_named_order('first', 'alice', tests.lines('mug x 3', 'mug x 2'));
select tests.place_named_order('bobs', 'bob', tests.lines('mug x 1'));
select tests.move_order(tests.order_id('first'), 'processing');
select tests.move_order(tests.order_id('bobs'), 'processing', 'delivered');
select is(tests.outcome('alice', $$ ledger_request_return(tests.order_id('first'), '[{"line_number": 1, "quantity": 1}]') $$), 'return_not_allowed', 'before anything is out nothing comes back');
select tests.expect_success(s) from ledger_ship_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 2}]') s;

select tests.authenticate_as('alice');
select results_eq(
  $$ select success, transaction_id, order_id, status
     from ledger_request_return(tests.order_id('first'), '[{"line_number": 1, "quantity": 1, "reason": "chipped"}]', 'Not what I hoped', 'k1') $$,
  $$ values (true, null::uuid, tests.order_id('first'), 'requested') $$, 'a customer asks to send back a unit that is under way');
select is(
  (select return_id from ledger_request_return(tests.order_id('first'), '[{"line_number": 1, "quantity": 1, "reason": "chipped"}]', 'Not what I hoped', 'k1')),
  (select id from returns), 'the same key gives the same answer');
select is((select error_code from ledger_request_return(tests.order_id('first'), '[{"line_number": 1, "quantity": 1}]', p_idempotency_key => 'k1')), 'idempotency_conflict',
  'the same key with other lines is refused');
select is((select count(*) from returns), 1::bigint, 'the customer sees their return');
select is((select count(*) from return_lines), 1::bigint, 'and its lines');
select tests.authenticate_as('bob');
select is((select count(*) from returns), 0::bigint, 'another customer does not');
select is((select count(*) from return_lines), 0::bigint, 'nor its lines');
select tests.act_as_owner();
select results_eq('select user_id, status, reason, requested_by from returns',
  $$ select a, 'requested', 'Not what I hoped', a from tests.get_supabase_uid('alice') a $$, 'the return says who and why');
select results_eq('select line_number, quantity, reason, approved_quantity, received_quantity, refunded_quantity from return_lines',
  $$ values (1, 1::bigint, 'chipped', 0::bigint, 0::bigint, 0::bigint) $$, 'and what');
select is((select count(*) from tests.messages('order.return_requested', '{"status": "requested", "lines": [{"line_number": 1, "quantity": 1}]}')), 1::bigint, 'the staff are told');
select is(tests.orders_and_available('alice'), '5000/15000', 'no money moves');
select is(tests.stock('mug'), 14::bigint, 'and no stock');

-- units: 2 of line 1 are out, 1 of them is in the return above
select is(tests.outcome('alice', format('ledger_request_return(tests.order_id(''first''), %L)', l.lines)), l.expected, format('%s: %s', l.lines, l.expected))
from (values
  ('[{"line_number": 1, "quantity": 1}]', 'success'),
  ('[{"line_number": 1, "quantity": 2}]', 'units_not_returnable'),
  ('[{"line_number": 2, "quantity": 1}]', 'units_not_returnable'),
  ('[{"line_number": 3, "quantity": 1}]', 'line_not_found'),
  ('[{"line_number": 1, "quantity": 1, "reason": 5}]', 'invalid_argument'),
  ('[]', 'invalid_argument')) l (lines, expected);
select is(tests.outcome('alice', $$ ledger_request_return(tests.order_id('first'), null) $$), 'invalid_argument', 'lines are needed');
select is(
  (select error_message from ledger_request_return(tests.order_id('first'), '[{"line_number": 1, "quantity": 2}]', p_user_id => tests.get_supabase_uid('alice'))),
  'Line 1: only 1 of "Product mug, Variant mug" can be returned, 2 asked.', 'the message says how many are left');
select tests.expect_success(r) from ledger_refund_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 1}]') r;
select is(tests.outcome('alice', $$ ledger_request_return(tests.order_id('first'), '[{"line_number": 1, "quantity": 1}]') $$), 'units_not_returnable', 'what was refunded does not come back');

-- who
select is(tests.outcome('bob', $$ ledger_request_return(tests.order_id('first'), '[{"line_number": 1, "quantity": 1}]') $$), 'order_not_found', 'another''s order is not found');
select is(tests.outcome('bob', $$ ledger_request_return(tests.order_id('first'), '[{"line_number": 1, "quantity": 1}]', p_user_id => tests.get_supabase_uid('alice')) $$), '42501', 'nor asked for in their name');
select results_eq(
  $$ select r.code, tests.outcome(r.code, 'ledger_request_return(tests.order_id(''bobs''), ''[{"line_number": 1, "quantity": 1}]'', p_user_id => tests.get_supabase_uid(''bob''))') from roles r order by 1 $$,
  $$ values ('admin', 'success'), ('finance', 'success'), ('logistics', '42501'), ('vendor', '42501'), ('warehouse', 'success') $$,
  'staff with returns.review ask for a customer');
select tests.authenticate_as_service_role();
select is((select error_code from ledger_request_return(tests.order_id('bobs'), '[{"line_number": 1, "quantity": 1}]')), 'customer_required', 'a backend says for whom');
select tests.act_as_owner();
update rate_limits set capacity = 1, refill_per_second = 0.001 where procedure = 'ledger_request_return';
select tests.authenticate_as('bob');
select is((select error_code from ledger_request_return(gen_random_uuid(), '[]')), 'order_not_found', 'one call is free');
select is((select error_code from ledger_request_return(gen_random_uuid(), '[]')), 'rate_limited', 'then there is a limit');
select tests.act_as_owner();

-- an order that has ended
select tests.move_order(tests.order_id('bobs'), 'refunded');
select is(tests.outcome(null, $$ ledger_request_return(tests.order_id('bobs'), '[{"line_number": 1, "quantity": 1}]', p_user_id => tests.get_supabase_uid('bob')) $$), 'return_not_allowed',
  'of an order that has ended nothing comes back');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
