-- One order that cannot go there stops none of the others, and each has its own answer, in the order asked.
begin;
select plan(19);
select tests.create_customer('alice', 10000), tests.create_customer('bob', 10000), tests.create_staff('admin', 'admin'),
       tests.create_staff('warehouse', 'warehouse');
select tests.create_variant('mug', 20, 1000);
select tests.place_named_order('a1', 'alice', tests.items('mug', 2)), tests.place_named_order('a2', 'alice', tests.items('mug')),
       tests.place_named_order('unpaid', 'alice', tests.items('mug'), 'bank_transfer'), tests.place_named_order('b1', 'bob', tests.items('mug', 3)),
       tests.place_named_order('done', 'bob', tests.items('mug'));
select tests.move_order(tests.order_id('done'), 'processing', 'delivered');
create temp table ids as
  select array_agg(o.id order by o.position) as asked
  from (select tests.order_id(n.name) as id, n.position
        from unnest('{b1,unpaid,a2,done,a1}'::text[]) with ordinality n (name, position)
        union all
        select '00000000-0000-4000-8000-000000000001', 2.5
        union all
        select tests.order_id('b1'), 9) o;
create temp table answers (n serial, success boolean, transaction_id uuid, error_code text, order_id uuid, order_number text, order_status text,
  payment_status text, bulk_change_id uuid, error_details jsonb);

grant all on ids, answers to authenticated;
grant usage on sequence answers_n_seq to authenticated;

-- processing
select tests.authenticate_as('admin');
insert into answers (success, transaction_id, error_code, order_id, order_number, order_status, payment_status, bulk_change_id, error_details)
select a.success, a.transaction_id, a.error_code, a.order_id, a.order_number, a.order_status, a.payment_status, a.bulk_change_id, a.error_details
from ids, ledger_bulk_change_status(asked, ' Processing ', '{"shift": "early"}', 'morning round', 'round-1') a;
select tests.act_as_owner();
select results_eq('select order_id from answers order by n',
  $$ select a.id from ids, unnest(asked) with ordinality a (id, position) where position <= 6 order by position $$,
  'an answer for each order, in the order asked, and one for an order named twice');
select results_eq('select success, error_code, order_status, payment_status from answers order by n', $$ values
    (true, null, 'processing', 'paid'), (false, 'payment_required', 'pending', 'unpaid'), (false, 'order_not_found', null, null),
    (true, null, 'processing', 'paid'), (false, 'invalid_transition', 'delivered', 'paid'), (true, null, 'processing', 'paid') $$,
  'each has its outcome and its status');
select is((select error_details ->> 'to' from answers where error_code = 'invalid_transition'), 'processing', 'a refusal has its details');
select is((select count(*)::int from answers a join orders o on o.id = a.order_id and o.order_number = a.order_number), 5, 'and the order''s number');
select is((select count(*)::int from answers a join transactions t on t.id = a.transaction_id and t.order_id = a.order_id
           where t.actor_action = 'morning round' and t.metadata = '{"shift": "early"}' and t.actor_id = tests.get_supabase_uid('admin')), 3,
  'the changes are recorded as single ones are, by who asked');
select results_eq($$ select new_status, asked_orders, succeeded_orders, failed_orders, waiting_orders, asked_by = tests.get_supabase_uid('admin')
                     from bulk_changes where id = (select distinct bulk_change_id from answers) $$,
  $$ values ('processing', 6, 3, 3, 0, true) $$, 'the list is kept with its counts');

-- the same key
create temp table before as select tests.state() as state;
select tests.authenticate_as('admin');
select results_eq($$ select a.order_id, a.success, a.error_code, a.order_status
                     from ids, ledger_bulk_change_status(asked, 'processing', '{"shift": "early"}', 'morning round', 'round-1') a $$,
  'select order_id, success, error_code, order_status from answers order by n', 'the same key gets the same answers');
select is((select string_agg(error_code, ',') from ids, ledger_bulk_change_status(asked, 'cancelled', p_idempotency_key => 'round-1')), 'idempotency_conflict',
  'and with another status it is refused, in one row');
select tests.act_as_owner();
select is(tests.changes((select state from before), tests.state()), null, 'neither did anything');

-- permission by transition, asked for each order
select tests.authenticate_as('warehouse');
select results_eq($$ select success, error_code, error_details ->> 'permission'
                     from ledger_bulk_change_status(array[tests.order_id('a1'), tests.order_id('a2')], 'cancelled') $$,
  $$ values (false, 'not_permitted', 'orders.cancel'), (false, 'not_permitted', 'orders.cancel') $$, 'who may not make a change is told for each order, and by which permission');
select results_eq($$ select success, order_status from ledger_bulk_change_status(array[tests.order_id('a1')], 'shipped') $$, $$ values (true, 'shipped') $$,
  'and may make another');
select throws_ok($$ select * from ledger_bulk_change_status(array[tests.order_id('a2')], 'shipped', p_actor_id => tests.get_supabase_uid('admin')) $$, '42501', null,
  'nobody acts for somebody else');
select tests.act_as_owner();

-- cancelling gives money and goods back, for each
select tests.authenticate_as('admin');
select is((select count(*)::int from ledger_bulk_change_status(array[tests.order_id('b1'), tests.order_id('a2'), tests.order_id('unpaid')], 'cancelled') where success), 3,
  'three orders of two customers are cancelled');
select tests.act_as_owner();
select is(tests.orders_and_available('alice'), '2000/8000', 'the first customer has her money back');
select is(tests.orders_and_available('bob'), '1000/9000', 'the second as well');
select is(tests.stock('mug'), 20 - 2 - 1::bigint, 'and the goods are back');

-- the call itself
select tests.authenticate_as('admin');
select is((select array_agg(c.code) from (
    select (select error_code from ledger_bulk_change_status(l.list, l.status, l.metadata, l.action)) as code
    from (values (null::uuid[], 'processing', '{}'::jsonb, null), ('{}', 'processing', '{}', null), (array[null::uuid], 'processing', '{}', null),
                 (array(select gen_random_uuid() from generate_series(1, 501)), 'processing', '{}', null),
                 (array[gen_random_uuid()], 'lost', '{}', null), (array[gen_random_uuid()], null, '{}', null),
                 (array[gen_random_uuid()], 'shipped', '[]', null), (array[gen_random_uuid()], 'shipped', '{}', repeat('x', 2001))) l (list, status, metadata, action)) c),
  '{invalid_argument,invalid_argument,invalid_argument,invalid_argument,unknown_status,unknown_status,invalid_argument,invalid_argument}'::text[],
  'a call that cannot be meant is refused in one row');
select tests.authenticate_as('bob');
select throws_ok($$ select * from ledger_bulk_change_status(array[tests.order_id('b1')], 'confirmed') $$, '42501', null, 'a customer may not');
select tests.act_as_owner();
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
