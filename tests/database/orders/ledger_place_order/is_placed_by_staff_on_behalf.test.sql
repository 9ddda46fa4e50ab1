begin;
select plan(8);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 5000);
select tests.create_customer('mallory', 5000);
select tests.create_staff('admin', 'admin');
select tests.create_staff('finance', 'finance');
select tests.create_staff('warehouse', 'warehouse');

select tests.authenticate_as('admin');
select is(
  (select available_balance from ledger_place_order(tests.lines('mug x 2'), p_notes => 'by phone', p_user_id => tests.get_supabase_uid('alice'))),
  3000::bigint, 'an admin places an order for a customer, from the customer''s wallet');
select tests.authenticate_as_service_role();
select is(
  (select success from ledger_place_order(tests.lines('mug x 1'), p_notes => 'by import', p_user_id => tests.get_supabase_uid('alice'))),
  true, 'a backend places one too');
select is(
  (select error_code from ledger_place_order(tests.lines('mug x 1'))), 'customer_required',
  'a backend has to say for whom');
select is(
  (select error_code from ledger_place_order(tests.lines('mug x 1'), p_user_id => gen_random_uuid())), 'customer_not_found',
  'for a customer who does not exist it is refused');
select tests.act_as_owner();

select results_eq(
  $$ select n.name, o.user_id, o.placed_by from unnest(array['by phone', 'by import']) n (name), tests.order_named(n.name) o $$,
  $$ values ('by phone', tests.get_supabase_uid('alice'), tests.get_supabase_uid('admin')),
            ('by import', tests.get_supabase_uid('alice'), null) $$,
  'the order belongs to the customer and says who placed it');
select is(
  (select t.actor_id from transactions t where t.order_id = tests.order_id('by phone')), tests.get_supabase_uid('admin'),
  'the transaction says who acted');

select results_eq(
  $$ select c.caller, tests.outcome(c.caller, format('ledger_place_order(tests.lines(''mug x 1''), p_user_id => %L)', tests.get_supabase_uid('alice')))
     from unnest(array['admin', 'finance', 'warehouse', 'mallory', 'alice']) c (caller) $$,
  $$ values ('admin', 'success'), ('finance', '42501'), ('warehouse', '42501'), ('mallory', '42501'), ('alice', 'success') $$,
  'only those with orders.place order for others; naming oneself is no more than leaving it out');
select is(tests.orders_and_available('alice'), '3000/2000', 'nothing but the two orders was charged');

select * from finish();
rollback;
