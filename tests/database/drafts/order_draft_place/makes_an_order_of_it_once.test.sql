-- Placing a draft is placing its order, at today's prices, once; a total that has moved is refused.
begin;
select plan(24);
select tests.create_customer('alice', 10000), tests.create_customer('bob', 10000), tests.create_staff('admin', 'admin');
select tests.create_variant('mug', 5, 1000), tests.create_variant('tea', 9, 300);
select tests.expect_success(a) from ledger_save_address('Alice', '1 Mill Lane', 'Basra', 'IQ', p_user_id => tests.get_supabase_uid('alice')) a;
create function pg_temp.save(p_quantity bigint) returns uuid language sql as $$
  select (tests.expect_success(s)).draft_id
  from order_draft_save(tests.items('mug', p_quantity), p_shipping_address_id => (select id from addresses where user_id = tests.get_supabase_uid('alice')),
    p_notes => 'ring twice', p_user_id => tests.get_supabase_uid('alice')) s;
$$;
create temp table drafts as select pg_temp.save(2) as id;
grant select on drafts to authenticated;

-- a price that has moved
update variants set price_amount = 1200 where sku = 'mug';
create temp table before as select tests.state() as state;
select tests.authenticate_as('alice');
select results_eq('select error_code, (error_details ->> ''total'')::int, (error_details ->> ''expected'')::int from order_draft_place((select id from drafts))',
  $$ values ('price_changed', 2400, 2000) $$, 'another total than it was saved with is refused');
select is(tests.outcome('alice', 'order_draft_place((select id from drafts), p_expected_total => 2300)'), 'price_changed', 'another total than the customer saw is refused');
select is(tests.outcome('alice', 'order_draft_place((select id from drafts), p_expected_version => 2)'), 'draft_conflict', 'another version than the customer saw is refused');
select is(tests.outcome('bob', 'order_draft_place((select id from drafts))'), 'draft_not_found', 'another''s draft is not found');
select is(tests.outcome('alice', 'order_draft_place((select id from drafts), ''cheque'', p_expected_total => 2400)'), 'payment_method_unavailable', 'what an order refuses is refused');
select tests.act_as_owner();
select is(tests.changes((select state from before), tests.state()), null, 'none of this changed anything: the draft is still there');

-- the order
select tests.authenticate_as('alice');
create temp table placed as select p.* from order_draft_place((select id from drafts), p_expected_total => 2400, p_expected_version => 1, p_metadata => '{"from": "cart"}', p_idempotency_key => 'go') p;
select results_eq('select success, status, payment_status, currency, total_amount, wallet_amount, amount_due, available_balance from placed',
  $$ values (true, 'pending', 'paid', 'USD', 2400::bigint, 2400::bigint, 0::bigint, 7600::bigint) $$, 'the total that the customer saw makes an order');
select results_eq($$ select p.order_id, p.order_number from order_draft_place((select id from drafts), p_expected_total => 2400, p_expected_version => 1, p_metadata => '{"from": "cart"}', p_idempotency_key => 'go') p $$,
  'select order_id, order_number from placed', 'the same key answers the same order');
select is((select error_code from order_draft_place((select id from drafts), p_idempotency_key => 'go')), 'idempotency_conflict', 'the key is bound to its arguments');
select is((select error_code from order_draft_place((select id from drafts), p_expected_total => 2400)), 'draft_not_found', 'without it the draft is used up');
select tests.act_as_owner();
select is((select count(*)::int from order_drafts), 0, 'the draft is gone');
select results_eq($$ select notes, metadata ->> 'from', shipping_address ->> 'line1', placed_by = user_id from orders $$, $$ values ('ring twice', 'cart', '1 Mill Lane', true) $$,
  'the order has the draft''s notes and address');
select results_eq('select product_sku, quantity, unit_price_amount from order_items', $$ values ('mug', 2::bigint, 1200::bigint) $$, 'and its lines at today''s price');
select is(tests.stock('mug'), 3::bigint, 'the stock is taken');
select is(tests.orders_and_available('alice'), '2400/7600', 'and so is the money');

-- short of stock, the draft stays
insert into drafts select pg_temp.save(4);
select is((select error_code from order_draft_place((select id from order_drafts))), 'insufficient_stock', 'what is not in stock is refused');
select is((select count(*)::int from order_drafts), 1, 'and the draft stays');

-- staff for a customer, recorded as such
select tests.expect_success(s) from order_draft_save(tests.items('tea', 2), (select id from order_drafts), p_user_id => tests.get_supabase_uid('alice')) s;
select tests.authenticate_as('admin');
select results_eq($$ select success, total_amount, amount_due from order_draft_place((select id from order_drafts), 'bank_transfer') $$, 'values (true, 600::bigint, 600::bigint)',
  'staff who may place orders place a customer''s draft');
select tests.act_as_owner();
select results_eq($$ select user_id = tests.get_supabase_uid('alice'), placed_by = tests.get_supabase_uid('admin') from orders where payment_method = 'bank_transfer' $$, 'values (true, true)',
  'as placed by them');

-- deleting, and what is old
select pg_temp.save(1), pg_temp.save(1);
select is(tests.outcome('bob', format('order_draft_delete(%L)', (select min(id::text) from order_drafts))), 'draft_not_found', 'another''s draft is not deleted');
select tests.authenticate_as('alice');
select is((select success from order_draft_delete((select min(id::text)::uuid from order_drafts))), true, 'one''s own is');
select tests.act_as_owner();
select set_config('ledger.procedure', 'test', true);
update order_drafts set updated_at = now() - interval '91 days';
select set_config('ledger.procedure', '', true);
select is(ledger.purge_order_drafts(), 1::bigint, 'an idle draft goes after its retention');
select is((select count(*)::int from order_drafts), 0, 'and nothing is left');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
