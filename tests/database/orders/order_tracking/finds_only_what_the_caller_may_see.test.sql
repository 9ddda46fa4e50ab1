-- DESIGN rule 9: what does not exist, or is somebody else's, is not found.
begin;
select plan(8);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 5000);
select tests.create_customer('mallory', 5000);
select tests.create_staff('logistics', 'logistics'), tests.create_staff('vendor', 'vendor');
select tests.place_named_order('first', 'alice', tests.lines('mug x 1'));

select results_eq(
  $$ select c.caller, tests.outcome(c.caller, format('order_tracking(%L)', tests.order_id('first')))
     from (values ('alice'), ('mallory'), ('logistics'), ('vendor')) c (caller) $$,
  $$ values ('alice', 'success'), ('mallory', 'order_not_found'), ('logistics', 'success'), ('vendor', 'order_not_found') $$,
  'the customer and staff with orders.read see it, nobody else');
select is(tests.outcome_as('service_role', format('select * from public.order_tracking(%L)', tests.order_id('first'))), 'success', 'a backend sees it');
select is(tests.outcome_as('anon', format('select * from public.order_tracking(%L)', tests.order_id('first'))), '42501', 'a visitor is refused');
select is(tests.outcome_as('nobody', format('select * from public.order_tracking(%L)', tests.order_id('first'))), '42501', 'and so is a token without a user');
select is(tests.outcome('alice', format('order_tracking(%L)', gen_random_uuid())), 'order_not_found', 'an order that does not exist is not found');
select is(tests.outcome('alice', 'order_tracking(null)'), 'order_not_found', 'nor is none at all');
select is(tests.outcome_as('service_role', format('select * from public.order_tracking(%L)', gen_random_uuid())), 'order_not_found', 'also for a backend');

select tests.authenticate_as('mallory');
select results_eq(
  format('select t.order_id, t.order_number, t.status, t.total_amount, t.history from order_tracking(%L) t', tests.order_id('first')),
  $$ values (null::uuid, null::text, null::text, null::bigint, null::jsonb) $$,
  'a refusal tells nothing of the order');
select tests.act_as_owner();

select * from finish();
rollback;
