begin;
select plan(8);

select tests.create_variant('mug');
select tests.create_customer('alice', 5000);
select tests.create_customer('mallory', 5000);
select tests.authenticate_as('alice');
select tests.expect_success(a)
from ledger_save_address('Alice', 'Main Street 1', 'Erbil', 'iq', p_phone => '+964 1') a;
select tests.expect_success(a)
from ledger_save_address('Alice Ltd.', 'Office Road 2', 'Berlin', 'DE', p_line2 => 'c/o Bob', p_region => 'BE', p_postal_code => '10115') a;

select is(
  (select success from ledger_place_order(tests.lines('mug x 1'), p_notes => 'sent home',
     p_shipping_address_id => (select id from addresses where city = 'Erbil'),
     p_billing_address_id => (select id from addresses where city = 'Berlin'))),
  true, 'an order is sent to one address and billed to another (source 004)');
select is(
  (select success from ledger_save_address('Alice', 'New Street 9', 'Basra', 'IQ', p_address_id => a.id)), true, 'the customer moves')
from addresses a where a.city = 'Erbil';
select is((select success from ledger_delete_address(a.id)), true, 'the customer removes the other address')
from addresses a where a.city = 'Berlin';
select results_eq(
  $$ select shipping_address - 'id', billing_address - 'id' from customer_orders where notes = 'sent home' $$,
  $$ values ('{"recipient": "Alice", "line1": "Main Street 1", "city": "Erbil", "country": "IQ", "phone": "+964 1"}'::jsonb,
             '{"recipient": "Alice Ltd.", "line1": "Office Road 2", "line2": "c/o Bob", "city": "Berlin", "region": "BE",
               "postal_code": "10115", "country": "DE"}'::jsonb) $$,
  'the order keeps both addresses as they were when it was placed');
select tests.act_as_owner();

select is(
  tests.outcome(c.caller, format('ledger_place_order(tests.lines(''mug x 1''), %s => %L)', c.argument, c.address_id)),
  c.expected, c.sentence)
from (
  select 'mallory' as caller, 'p_shipping_address_id' as argument, a.id as address_id, 'address_not_found' as expected,
         'shipping to someone else''s address is refused as not found' as sentence
  from addresses a where a.user_id = tests.get_supabase_uid('alice')
  union all
  select 'mallory', 'p_billing_address_id', a.id, 'address_not_found', 'billing to someone else''s address is refused as not found'
  from addresses a where a.user_id = tests.get_supabase_uid('alice')
  union all
  select 'alice', 'p_shipping_address_id', gen_random_uuid(), 'address_not_found', 'an address that does not exist is refused') c;
select is_empty($$ select from orders o where o.user_id = tests.get_supabase_uid('mallory') $$, 'nothing was ordered with them');

select * from finish();
rollback;
