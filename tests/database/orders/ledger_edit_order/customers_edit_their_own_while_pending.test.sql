begin;
select plan(19);

select tests.create_variant('mug', stock => 50, price => 1000);
select tests.create_variant('tea', stock => 50, price => 300);
select tests.create_customer('alice', 20000);
select tests.create_customer('bob', 20000);
select tests.create_staff(r.role, r.role) from unnest(array['admin', 'finance', 'warehouse', 'logistics', 'vendor']) r (role);
select tests.place_named_order('order', 'alice', tests.lines('mug x 2', 'tea x 2'));
create function pg_temp.edit(p_changes text, p_more text default '') returns text language sql as $$
  select format('ledger_edit_order(%L, %L%s)', tests.order_id('order'), p_changes, p_more);
$$;

select is(tests.outcome('alice', pg_temp.edit('[{"line_number": 1, "quantity": 3}]')), 'success', 'a customer edits a pending order of theirs');
select is(tests.outcome('bob', pg_temp.edit('[{"line_number": 1, "quantity": 3}]')), 'order_not_found', 'somebody else''s is not found');
select is(tests.outcome('bob', pg_temp.edit('[{"line_number": 1, "quantity": 3}]', format(', p_user_id => %L', tests.get_supabase_uid('alice')))), '42501', 'nor edited in their name');
select is(tests.outcome('alice', pg_temp.edit('[{"line_number": 1, "quantity": 3}]', format(', p_actor_id => %L', tests.get_supabase_uid('bob')))), '42501', 'nobody acts as somebody else');
select results_eq(
  $$ select r.role, tests.outcome(r.role, pg_temp.edit('[{"line_number": 1, "quantity": 3}]'))
     from unnest(array['admin', 'finance', 'warehouse', 'logistics', 'vendor']) r (role) $$,
  $$ values ('admin', 'success'), ('finance', 'success'), ('warehouse', 'order_not_found'), ('logistics', 'order_not_found'), ('vendor', 'order_not_found') $$,
  'staff need orders.edit for the orders of customers');
select is(tests.outcome('admin', pg_temp.edit('[{"line_number": 1, "quantity": 3}]', format(', p_user_id => %L', tests.get_supabase_uid('bob')))), 'order_not_found',
  'staff who name the wrong customer find nothing');

-- prices
update variants set price_amount = 1200 where sku = 'mug';
select tests.authenticate_as('alice');
select results_eq(
  $$ select error_code, error_details -> 'line', error_details -> 'total', error_details -> 'expected'
     from ledger_edit_order(tests.order_id('order'), '[{"line_number": 2, "quantity": 3}, {"line_number": 1, "quantity": 3}]') $$,
  $$ values ('price_changed', '1'::jsonb, '1200'::jsonb, '1000'::jsonb) $$, 'more of a line is not had at a price that is no longer the catalogue''s');
select is((select difference_amount from ledger_edit_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 1}]')), -1000::bigint, 'less of it is');
select is((select error_code from ledger_edit_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 2}]')), 'price_changed', 'and what was given up does not come back at the old price');
select is((select difference_amount from ledger_edit_order(tests.order_id('order'), tests.lines('mug x 1'))), 1200::bigint, 'but on a line of its own at the price of today');
select tests.act_as_owner();
select is((select difference_amount from ledger_edit_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 2}]')), 1000::bigint, 'staff keep the price of the line');
update variants set is_active = false where sku = 'tea';
select is(tests.outcome('alice', pg_temp.edit('[{"line_number": 2, "quantity": 3}]')), 'variant_unavailable', 'a customer gets no more of what is not for sale');
select is(tests.outcome('alice', pg_temp.edit('[{"line_number": 2, "quantity": 1}]')), 'success', 'less of it is no sale');
select is(tests.outcome(null, pg_temp.edit('[{"line_number": 2, "quantity": 3}]')), 'success', 'staff may sell what is left of it');

-- once confirmed it is the house's
select is((select error_code from tests.change_status('order', 'confirmed')), null, 'the order is confirmed');
select is(tests.outcome('alice', pg_temp.edit('[{"line_number": 1, "quantity": 1}]')), 'edit_not_allowed', 'then the customer edits it no more');
select is(tests.outcome('finance', pg_temp.edit('[{"line_number": 1, "quantity": 1}]')), 'success', 'staff do');

update rate_limits set capacity = 2, refill_per_second = 0.001 where procedure = 'ledger_edit_order';
delete from ledger.rate_limit_buckets;
select tests.authenticate_as('bob');
select is(
  (select array_agg(e.error_code) from generate_series(1, 3) n, ledger_edit_order(gen_random_uuid(), '[]', n > 0) e), '{order_not_found,order_not_found,rate_limited}',
  'a third call beyond a limit of two is refused');
select tests.act_as_owner();
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
