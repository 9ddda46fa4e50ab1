begin;
select plan(8);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 5000);
select tests.create_staff('warehouse', 'warehouse');
select tests.place_named_order('first', 'alice', tests.lines('mug x 1'));

select tests.authenticate_as('warehouse');
select set_config('request.headers',
  '{"x-forwarded-for": "198.51.100.1, 203.0.113.9", "user-agent": "scanner", "x-correlation-id": "aaaaaaaa-0000-4000-8000-000000000001"}', true);
select results_eq(
  $$ select success, order_status, available_balance
     from ledger_change_order_status(tests.get_supabase_uid('alice'), tests.order_id('first'), 'pending', 'processing', 1000,
       '{"notes": "on the cart", "cart": 7}', p_actor_action => 'picked') $$,
  $$ values (true, 'processing', null::bigint) $$,
  'staff without accounts.read change a status without being told the customer''s balance');
select set_config('request.headers', '', true);
select tests.act_as_owner();

select results_eq(
  $$ select t.type, t.amount, t.balance_after, t.actor_id, t.actor_action, t.metadata, t.correlation_id
     from transactions t where t.order_id = tests.order_id('first') and t.type <> 'order_created' $$,
  $$ values ('order_status_changed', 0::bigint, 4000::bigint, tests.get_supabase_uid('warehouse'), 'picked',
             '{"notes": "on the cart", "cart": 7}'::jsonb, 'aaaaaaaa-0000-4000-8000-000000000001'::uuid) $$,
  'a change that moves no money leaves a transaction of 0 with actor, action and metadata (source 003, note 3)');
select results_eq(
  $$ select e.payload ->> 'from_status', e.payload ->> 'to_status', t.texts ->> 'notes', e.payload -> 'effect', e.actor_id, e.correlation_id
     from immutable_events e join event_texts t on t.event_id = e.id where e.stream_id = tests.order_id('first') and e.event_type = 'order.status_changed' $$,
  $$ values ('pending', 'processing', 'on the cart', '{}'::jsonb, tests.get_supabase_uid('warehouse'), 'aaaaaaaa-0000-4000-8000-000000000001'::uuid) $$,
  'and an immutable event (source 003, note 2)');
select results_eq(
  $$ select h.from_status, h.status, h.notes, h.created_by from order_status_history h where h.order_id = tests.order_id('first') order by h.event_id $$,
  $$ values (null, 'pending', 'first', tests.get_supabase_uid('alice')), ('pending', 'processing', 'on the cart', tests.get_supabase_uid('warehouse')) $$,
  'and a line of history with notes and who did it (source 004)');
select results_eq(
  $$ select a.actor_id, a.actor_role, a.ip_address, a.user_agent, a.correlation_id
     from audit_log a where a.target_id = tests.order_id('first')::text and a.action = 'order.status_changed' $$,
  $$ values (tests.get_supabase_uid('warehouse'), 'authenticated', '203.0.113.9', 'scanner', 'aaaaaaaa-0000-4000-8000-000000000001'::uuid) $$,
  'and an audit line that says from where: the nearest hop, not what the client claims before it');
select results_eq(
  $$ select m ->> 'to_status', m ->> 'correlation_id'
     from tests.messages('order.status_changed', jsonb_build_object('stream_id', tests.order_id('first'))) m $$,
  $$ values ('processing', 'aaaaaaaa-0000-4000-8000-000000000001') $$, 'and a message to notify the customer (source 003)');
select is((select o.version from tests.order_named('first') o), 2::bigint, 'the order counts its versions');

select tests.expect_success(c)
from ledger_change_order_status(tests.get_supabase_uid('alice'), tests.order_id('first'), 'processing', 'shipped', 1000,
  p_actor_id => tests.get_supabase_uid('warehouse')) c;
select results_eq(
  $$ select t.actor_id, t.actor_action from transactions t where t.order_id = tests.order_id('first') order by t.account_version desc limit 1 $$,
  $$ values (tests.get_supabase_uid('warehouse'), 'order processing to shipped') $$,
  'a backend says in whose name it acts (DESIGN section 4, rule 8)');

select * from finish();
rollback;
