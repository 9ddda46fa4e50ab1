begin;
select plan(89);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('customer', 100000);
select tests.create_staff(r.role, r.role) from unnest(array['admin', 'finance', 'warehouse', 'logistics', 'vendor']) r (role);

select tests.place_named_order(s.status, 'customer', tests.lines('mug x 1'))
from unnest(array['pending', 'confirmed', 'processing', 'shipped', 'delivered', 'rejected']) s (status);
select tests.move_order(tests.order_id('confirmed'), 'confirmed');
select tests.move_order(tests.order_id('processing'), 'processing');
select tests.move_order(tests.order_id('shipped'), 'confirmed', 'processing', 'shipped');
select tests.move_order(tests.order_id('delivered'), 'processing', 'delivered');
select tests.move_order(tests.order_id('rejected'), 'rejected');

-- customers and vendors move nothing here (source 003: admin role required for status changes)
create temp table who_may (from_status, to_status, roles) as values
  ('pending', 'confirmed', '{admin,finance}'::text[]),
  ('pending', 'processing', '{admin,warehouse}'),
  ('pending', 'rejected', '{admin,finance}'),
  ('pending', 'cancelled', '{admin,finance}'),
  ('confirmed', 'processing', '{admin,warehouse}'),
  ('confirmed', 'cancelled', '{admin,finance}'),
  ('processing', 'shipped', '{admin,warehouse,logistics}'),
  ('processing', 'delivered', '{admin,logistics}'),
  ('processing', 'cancelled', '{admin,finance}'),
  ('shipped', 'delivered', '{admin,logistics}'),
  ('shipped', 'cancelled', '{admin,finance}'),
  ('delivered', 'cancelled', '{admin}'),
  ('delivered', 'refunded', '{admin,finance}'),
  ('rejected', 'cancelled', '{admin,finance}');

create function pg_temp.attempt(p_caller text, p_from text, p_to text) returns text language sql as $$
  select tests.outcome(p_caller, format('tests.change_status(%L, %L)', p_from, p_to));
$$;

select is(
  pg_temp.attempt(r.role, w.from_status, w.to_status), case when r.role = any (w.roles) then 'success' else '42501' end,
  format('%s %s take an order from %s to %s', r.role, case when r.role = any (w.roles) then 'may' else 'may not' end, w.from_status, w.to_status))
from who_may w
cross join unnest(array['admin', 'finance', 'warehouse', 'logistics', 'vendor', 'customer']) r (role);

select results_eq(
  $$ select r.role, array(select distinct pg_temp.attempt(r.role, f.status, t.status)
                          from unnest(array['pending', 'confirmed', 'processing', 'shipped', 'delivered', 'rejected']) f (status)
                          cross join unnest(array['pending', 'confirmed', 'processing', 'shipped', 'delivered', 'rejected', 'cancelled', 'refunded']) t (status)
                          where not exists (select from who_may w where w.from_status = f.status and w.to_status = t.status))
     from unnest(array['admin', 'finance', 'warehouse', 'logistics', 'vendor', 'customer']) r (role) $$,
  $$ values ('admin', '{invalid_transition}'::text[]), ('finance', '{invalid_transition}'), ('warehouse', '{invalid_transition}'),
            ('logistics', '{invalid_transition}'), ('vendor', '{42501}'), ('customer', '{42501}') $$,
  'no role makes a transition that is not listed; those without orders.read are not even told which are');
select is(
  tests.outcome('admin', format('ledger_change_order_status(%L, %L, ''pending'', ''confirmed'', 1000, p_actor_id => %L)',
    tests.get_supabase_uid('customer'), tests.order_id('pending'), tests.get_supabase_uid('finance'))), '42501',
  'nobody who is signed in acts in another''s name');

select tests.clear_authentication();
select throws_ok(
  $$ select * from ledger_change_order_status(null, null, 'pending', 'confirmed', 1000) $$, '42501', null, 'visitors call nothing that writes');
select tests.act_as_owner();

-- an admin edits who may
update order_status_transitions set permission = 'orders.cancel_delivered' where from_status = 'pending' and to_status = 'confirmed';
select is(pg_temp.attempt('finance', 'pending', 'confirmed'), '42501', 'a transition given to another permission is refused to those without it');
insert into role_permissions (role, permission) values ('finance', 'orders.cancel_delivered');
select is(pg_temp.attempt('finance', 'pending', 'confirmed'), 'success', 'and allowed to a role that is given the permission');

select * from finish();
rollback;
