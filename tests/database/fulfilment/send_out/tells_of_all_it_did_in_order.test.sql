-- DESIGN section 4, rule 7: all records of a delivery belong together, in the order of what happened.
begin;
select plan(10);

select tests.create_supabase_user('wendy');
select tests.create_vendor('Weaver', 'wendy', 1000);
select tests.create_vendor_variant('Weaver', 'rug', price => 1000);
select tests.create_variant('mug', price => 500);
select tests.create_customer('referrer'), tests.create_customer('alice', 20000);
select tests.create_staff('admin', 'admin');
select tests.set_setting('referral_rate_bp', '500');
select tests.expect_success(r)
from profiles p, ledger_register_referral(p.referral_code, p_user_id => tests.get_supabase_uid('alice')) r
where p.id = tests.get_supabase_uid('referrer');
select tests.place_named_order('all', 'alice', tests.lines('rug x 1', 'mug x 2'));
select tests.move_order(tests.order_id('all'), 'processing');
select tests.expect_success(s) from ledger_ship_order(tests.order_id('all'), '[{"line_number": 2, "quantity": 1}]') s;
create temporary table before as select coalesce(max(id), 0) as id from immutable_events;
grant select on before to authenticated;

select tests.authenticate_as('admin');
select set_config('request.headers', '{"x-forwarded-for": "203.0.113.9", "user-agent": "scanner", "x-correlation-id": "aaaaaaaa-0000-4000-8000-000000000001"}', true);
select is((select order_status from tests.change_status('all', 'delivered', '{"tracking_number": "RR1", "notes": "at the door"}')), 'delivered', 'a part of the order is out, and it is delivered');
select set_config('request.headers', '', true);
select tests.act_as_owner();

create temporary table told as select e.* from immutable_events e where e.id > (select id from before);
select results_eq(
  $$ select event_type, stream_type, causation_id = tests.order_id('all') from told order by id $$,
  $$ values ('order.shipment_delivered', 'order', null), ('order.shipment_created', 'order', null), ('order.status_changed', 'order', null),
            ('commission.earned', 'account', true), ('vendor.earned', 'vendor', true) $$,
  'first what became of the goods, then the order, then what others earn by it');
select results_eq(
  $$ select distinct correlation_id, actor_id from told $$,
  $$ values ('aaaaaaaa-0000-4000-8000-000000000001'::uuid, tests.get_supabase_uid('admin')) $$, 'all under one correlation id, by who did it');
select results_eq(
  $$ select distinct t.correlation_id, t.actor_id from transactions t where t.correlation_id = 'aaaaaaaa-0000-4000-8000-000000000001' group by 1, 2 having count(*) = 3 $$,
  $$ values ('aaaaaaaa-0000-4000-8000-000000000001'::uuid, tests.get_supabase_uid('admin')) $$, 'and so are the three transactions');
select results_eq(
  $$ select a.action, a.target_type, a.target_id, a.account_id, a.occurred_at from audit_log a
     where a.correlation_id = 'aaaaaaaa-0000-4000-8000-000000000001' and a.user_agent = 'scanner' and a.ip_address = '203.0.113.9' order by a.id $$,
  $$ select t.event_type, t.stream_type, t.stream_id::text, t.account_id, t.occurred_at from told t order by t.id $$, 'each has its audit line');
select results_eq(
  $$ select o.type, o.account_id, o.event_id from ledger.outbox o where o.event_id > (select id from before) order by o.event_id $$,
  $$ select t.event_type, t.account_id, t.id from told t order by t.id $$, 'and its message');
select results_eq(
  $$ select m.type, m.payload ->> 'correlation_id' from ledger.outbox_messages m where m.payload @> '{"tracking_number": "RR1"}' $$,
  $$ values ('order.shipment_created', 'aaaaaaaa-0000-4000-8000-000000000001') $$, 'which says what the event says');
select results_eq(
  $$ select t.event_type, x.texts ->> 'tracking_number', x.texts ->> 'notes' from told t join event_texts x on x.event_id = t.id order by t.id $$,
  $$ values ('order.shipment_created', 'RR1', null), ('order.status_changed', null, 'at the door') $$, 'what people wrote stands beside its event');
select is_empty($$ select from told t where t.payload::text like '%RR1%' or t.payload::text like '%door%' $$, 'and not in it');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
