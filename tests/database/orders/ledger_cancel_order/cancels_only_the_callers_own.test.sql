begin;
select plan(6);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 5000);
select tests.create_customer('mallory', 5000);
select tests.create_staff(r.role, r.role) from unnest(array['admin', 'finance', 'warehouse', 'logistics', 'vendor']) r (role);
select tests.place_named_order('first', 'alice', tests.lines('mug x 1'));

select results_eq(
  $$ select c.caller, tests.outcome(c.caller, format('ledger_cancel_order(%L)', tests.order_id('first')))
     from unnest(array['alice', 'mallory', 'admin']) c (caller) $$,
  $$ values ('alice', 'success'), ('mallory', 'order_not_found'), ('admin', 'order_not_found') $$,
  'an order of somebody else is not found (DESIGN section 4, rule 9)');
select results_eq(
  $$ select c.caller, tests.outcome(c.caller, format('ledger_cancel_order(%L, p_user_id => %L)', tests.order_id('first'), tests.get_supabase_uid('alice')))
     from unnest(array['alice', 'mallory', 'admin', 'finance', 'warehouse', 'logistics', 'vendor']) c (caller) $$,
  $$ values ('alice', 'success'), ('mallory', '42501'), ('admin', 'success'), ('finance', 'success'), ('warehouse', '42501'),
            ('logistics', '42501'), ('vendor', '42501') $$,
  'for a customer only those with orders.cancel cancel');
select is(
  tests.outcome('admin', format('ledger_cancel_order(%L, p_user_id => %L)', tests.order_id('first'), tests.get_supabase_uid('mallory'))), 'order_not_found',
  'an order of another customer than named is not found');
select is(tests.outcome('alice', format('ledger_cancel_order(%L)', gen_random_uuid())), 'order_not_found', 'an order that does not exist is not found');
select is(tests.outcome(null, format('ledger_cancel_order(%L)', tests.order_id('first'))), 'customer_required', 'a backend says for whom');
select is(tests.orders_and_available('alice'), '1000/4000', 'the order is still paid');

select * from finish();
rollback;
