begin;
select plan(19);

select tests.create_variant('mug', stock => 10, price => 1000);
select tests.create_variant('tea', stock => 10, price => 300);
select tests.create_customer('alice', 10000);
select tests.create_staff('ada', 'admin');
select tests.place_named_order('order', 'alice', tests.lines('mug x 2', 'tea x 3'));
select is(tests.orders_and_available('alice'), '2900/7100', 'an order of 29.00 is paid by the wallet');

select tests.authenticate_as('ada');
select results_eq(
  $$ select success, version, total_amount, difference_amount, wallet_amount, returned_amount, outstanding_amount, payment_status, order_status
     from ledger_edit_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 5}]', p_reason => 'three more', p_idempotency_key => 'k1') $$,
  $$ values (true, 2::bigint, 5900::bigint, 3000::bigint, 3000::bigint, 0::bigint, 0::bigint, 'paid', 'pending') $$,
  'three mugs more cost 30.00, which the wallet pays');
select is(
  (select version from ledger_edit_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 5}]', p_reason => 'three more', p_idempotency_key => 'k1')), 2::bigint,
  'the same key edits nothing twice');
select is(
  (select error_code from ledger_edit_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 4}]', p_reason => 'three more', p_idempotency_key => 'k1')),
  'idempotency_conflict', 'the same key with other changes is refused');
select is(tests.orders_and_available('alice'), '5900/4100', 'total_orders rises by the difference');
select is(array[tests.stock('mug'), tests.stock('tea')], array[5, 7]::bigint[], 'the mugs left the stock');
select is(tests.booked('alice', 'order_escrow'), 5900::bigint, 'escrow holds the new total');

select results_eq(
  $$ select total_amount, difference_amount, wallet_amount, returned_amount, payment_status, changes
     from ledger_edit_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 1}, {"line_number": 2, "quantity": 0}]') $$,
  $$ values (1000::bigint, -4900::bigint, 0::bigint, 4900::bigint, 'paid', jsonb_build_array(
       jsonb_build_object('line_number', 1, 'variant_id', tests.get_variant_id('mug'), 'product_sku', 'mug', 'old_quantity', 5, 'new_quantity', 1, 'unit_price_amount', 1000),
       jsonb_build_object('line_number', 2, 'variant_id', tests.get_variant_id('tea'), 'product_sku', 'tea', 'old_quantity', 3, 'new_quantity', 0, 'unit_price_amount', 300))) $$,
  'a line made smaller and one removed give 49.00 back');
select tests.act_as_owner();
select is(tests.orders_and_available('alice'), '1000/9000', 'into the wallet it came from');
select is(array[tests.stock('mug'), tests.stock('tea')], array[9, 10]::bigint[], 'the goods came back');
select results_eq(
  $$ select i.line_number, i.quantity, i.total_price_amount from order_items i where i.order_id = tests.order_id('order') $$,
  $$ values (1, 1::bigint, 1000::bigint) $$, 'one line is left');
select results_eq(
  $$ select o.status, o.payment_status, o.total_amount, o.wallet_amount, o.paid_amount, o.refunded_amount, o.wallet_refunded_amount, o.outstanding_amount, o.version
     from tests.order_named('order') o $$,
  $$ values ('pending', 'paid', 1000::bigint, 5900::bigint, 5900::bigint, 4900::bigint, 4900::bigint, 0::bigint, 3::bigint) $$,
  'the order says what was paid and what went back');

select results_eq(
  $$ select t.type, t.amount, t.actor_action, t.actor_id from transactions t where t.order_id = tests.order_id('order') order by t.account_version $$,
  $$ values ('order_created', -2900::bigint, 'order placed', tests.get_supabase_uid('alice')),
            ('order_edited', -3000, 'three more', tests.get_supabase_uid('ada')), ('order_edited', 4900, 'order edited', tests.get_supabase_uid('ada')) $$,
  'each edit is a transaction');
select results_eq(
  $$ select m.reason, v.sku, m.quantity from stock_movements m join variants v on v.id = m.variant_id where m.order_id = tests.order_id('order') order by 1, 2, 3 $$,
  $$ values ('order_edited', 'mug', -3::bigint), ('order_edited', 'mug', 4), ('order_edited', 'tea', 3), ('order_placed', 'mug', -2), ('order_placed', 'tea', -3) $$,
  'and moves stock as such');
select results_eq(
  $$ select e.payload #> '{old,total_amount}', e.payload #> '{new,total_amount}', e.payload -> 'effect',
            (select jsonb_agg(l -> 'quantity') from jsonb_array_elements(e.payload #> '{old,lines}') l)
     from immutable_events e where e.event_type = 'order.edited' and e.stream_id = tests.order_id('order') order by e.id $$,
  $$ values ('2900'::jsonb, '5900'::jsonb, '{"total_orders": 3000}'::jsonb, '[2, 3]'::jsonb),
            ('5900', '1000', '{"total_orders": -4900}', '[5, 3]') $$, 'the old state stays in the events');
select results_eq(
  $$ select h.status from order_status_history h where h.order_id = tests.order_id('order') $$, $$ values ('pending') $$, 'its status has not changed');
select is((select count(*)::int from tests.messages('order.edited', '{}')), 2, 'a message tells of each edit');
select is((select error_code from tests.change_status('order', 'cancelled')), null, 'an edited order can be cancelled');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
