begin;
select plan(13);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 5000);
select tests.create_customer('bob', 5000);
select tests.create_staff('admin', 'admin');
select tests.place_named_order('first', 'alice', tests.lines('mug x 2'));

select tests.authenticate_as('admin');
select is(
  (select success from ledger_change_order_status(tests.get_supabase_uid('alice'), tests.order_id('first'), 'pending', 'confirmed', 2000)),
  true, 'one admin confirms a pending order');
select results_eq(
  $$ select error_code, error_message
     from ledger_change_order_status(tests.get_supabase_uid('alice'), tests.order_id('first'), 'pending', 'cancelled', 2000) $$,
  $$ select 'status_conflict', format('Order %s is "confirmed", not "pending": somebody changed it in between. Read it again.', o.order_number)
     from tests.order_named('first') o $$,
  'another who still sees it pending is told (DESIGN section 6: two admins, one wins)');
select results_eq(
  $$ select error_code, error_message
     from ledger_change_order_status(tests.get_supabase_uid('alice'), tests.order_id('first'), 'confirmed', 'cancelled', 1999) $$,
  $$ select 'amount_mismatch', format('Order %s amounts to 20.00 USD, not 19.99 USD.', o.order_number) from tests.order_named('first') o $$,
  'an amount that is not the order''s is refused');
select is(
  (select error_code from ledger_change_order_status(tests.get_supabase_uid('alice'), tests.order_id('first'), 'confirmed', 'cancelled', null)),
  'amount_mismatch', 'so is no amount');
select is(
  (select error_code from ledger_change_order_status(tests.get_supabase_uid('bob'), tests.order_id('first'), 'confirmed', 'cancelled', 2000)),
  'order_not_found', 'an order of another customer than named is not found');
select is(
  (select error_code from ledger_change_order_status(tests.get_supabase_uid('alice'), gen_random_uuid(), 'confirmed', 'cancelled', 2000)),
  'order_not_found', 'an order that does not exist is not found');
select is(
  (select error_code from ledger_change_order_status(tests.get_supabase_uid('alice'), gen_random_uuid(), null, 'cancelled', null)),
  'order_not_found', 'also where nothing is said of it');
select is(
  (select error_code from ledger_change_order_status(null, null, 'confirmed', 'cancelled', 2000)),
  'order_not_found', 'no order is not found');
select results_eq(
  $$ select m.metadata, c.error_code
     from (values ('[]'::jsonb), ('"x"'), ('{"restock": "yes"}'), ('{"restock": null}'), (jsonb_build_object('x', repeat('x', 17000)))) m (metadata),
          ledger_change_order_status(tests.get_supabase_uid('alice'), tests.order_id('first'), 'confirmed', 'cancelled', 2000, m.metadata) c $$,
  $$ select m.metadata, 'invalid_argument'
     from (values ('[]'::jsonb), ('"x"'), ('{"restock": "yes"}'), ('{"restock": null}'), (jsonb_build_object('x', repeat('x', 17000)))) m (metadata) $$,
  'metadata that is no object, too large, or with a restock that is no boolean is refused');
select is(
  (select error_code from ledger_change_order_status(tests.get_supabase_uid('alice'), tests.order_id('first'), 'confirmed', 'cancelled', 2000,
     p_actor_action => repeat('x', 2001))), 'invalid_argument', 'an action of more than 2000 characters is refused');
select tests.act_as_owner();

select is((select status from tests.order_named('first')), 'confirmed', 'none of these changed the order');
select is(tests.orders_and_available('alice'), '2000/3000', 'nor moved money');
select is(
  (select count(*) from transactions t where t.order_id = tests.order_id('first')), 2::bigint, 'nor left a transaction');

select * from finish();
rollback;
