-- A bulk change in background is noted down at once, carried out in portions, and its progress can be followed.
begin;
select plan(22);
select tests.create_customer('alice', 100000), tests.create_staff('admin', 'admin'), tests.create_staff('finance', 'finance'), tests.create_variant('mug', 100, 1000);
select tests.place_order('alice', 'mug') from generate_series(1, 7);
create temp table ids as select array_agg(o.id order by o.id desc) as asked from orders o;
grant select on ids to authenticated;

select tests.authenticate_as('admin');
create temp table answers as select a.* from ids, ledger_bulk_change_status(asked, 'processing', p_idempotency_key => 'night', p_in_background => true) a;
select is((select count(*)::int from answers where success is null and error_code is null and order_id is not null), 7, 'every order waits');
select results_eq('select asked_orders, waiting_orders, succeeded_orders, failed_orders from bulk_changes', 'values (7, 7, 0, 0)', 'the asker can follow the list');
select is((select count(*)::int from orders where status = 'pending'), 7, 'and nothing has changed yet');
select results_eq($$ select success, asked_orders, waiting_orders, succeeded_orders, failed_orders
                     from ledger_continue_bulk_change((select distinct bulk_change_id from answers), 3) $$,
  'values (true, 7, 4, 3, 0)', 'a portion of three is carried out');
select results_eq('select o.status from ids, unnest(asked) with ordinality a (id, n) join orders o using (id) order by n',
  $$ values ('processing'), ('processing'), ('processing'), ('pending'), ('pending'), ('pending'), ('pending') $$, 'the first three of the list');
select results_eq($$ select a.success from ids, ledger_bulk_change_status(asked, 'processing', p_idempotency_key => 'night', p_in_background => true) a $$,
  'values (true), (true), (true), (null), (null), (null), (null::boolean)', 'the same key answers how it stands');

-- one of those that wait is cancelled meanwhile
select tests.act_as_owner();
select tests.move_order((select asked[5] from ids), 'cancelled');

-- who may go on with it
select tests.authenticate_as('finance');
select is((select error_code from ledger_continue_bulk_change((select id from bulk_changes))), 'bulk_change_not_found', 'somebody else may not go on with it');
select is((select waiting_orders from bulk_changes), 4, 'but staff who may read orders can see it');
select tests.authenticate_as('alice');
select throws_ok($$ select * from ledger_continue_bulk_change((select bulk_change_id from answers limit 1)) $$, '42501', null, 'a customer may not');
select is((select count(*)::int from bulk_changes), 0, 'nor see it');
select is((select count(*)::int from bulk_change_orders), 0, 'nor its orders');

-- the job goes on for the asker, with the permissions they have by then
select tests.act_as_owner();
delete from role_permissions where role = 'admin' and permission = 'orders.process';
select is(ledger.continue_bulk_changes(), 4, 'the job takes what is left');
select results_eq('select success, error_code from bulk_change_orders where position > 3 order by position',
  $$ values (false, 'not_permitted'), (false, 'invalid_transition'), (false, 'not_permitted'), (false, 'not_permitted') $$,
  'a permission that was taken away counts, and so does what happened meanwhile');
select results_eq('select waiting_orders, succeeded_orders, failed_orders from bulk_changes', 'values (0, 3, 4)', 'and the list is done');
select is(ledger.continue_bulk_changes(), 0, 'there is nothing left to do');
select is((select count(distinct t.order_id)::int from transactions t where t.type = 'order_status_changed' and t.actor_id = tests.get_supabase_uid('admin')), 3,
  'what was changed was changed by the asker, once each');

-- limits
select tests.authenticate_as('admin');
select is((select error_code from ledger_continue_bulk_change((select id from bulk_changes), l)), 'invalid_argument', 'a portion of ' || coalesce(l::text, 'null') || ' is refused')
from unnest('{0,501,null}'::int[]) l;
select is((select count(*)::int from ledger_bulk_change_status(array(select gen_random_uuid() from generate_series(1, 501)), 'shipped', p_in_background => true)), 501,
  'a longer list is taken in background');
select tests.act_as_owner();

-- retention
select set_config('ledger.procedure', 'test', true);
update bulk_changes set updated_at = now() - interval '91 days';
select set_config('ledger.procedure', '', true);
select is(ledger.purge_bulk_changes(), 1::bigint, 'finished lists go after their retention, and unfinished ones stay');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
