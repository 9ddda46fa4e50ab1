-- DESIGN rule 8 and section 6: what each staff role may do, as shipped.
begin;
select plan(13);
select set_eq('select code from public.roles', $$ values ('admin'), ('finance'), ('warehouse'), ('logistics'), ('vendor') $$, 'the roles');
select set_eq($$ select permission from public.role_permissions where role = 'admin' $$, 'select code from public.permissions', 'an admin has every permission');
select set_eq($$ select permission from public.role_permissions where role = 'finance' $$,
  $$ values ('accounts.read'), ('accounts.credit'), ('accounts.freeze'), ('audit.read'), ('orders.read'), ('orders.confirm'), ('orders.reject'), ('orders.cancel'),
            ('orders.edit'), ('orders.refund'), ('returns.review'), ('payments.record'), ('refunds.settle'),
            ('reports.read'), ('customers.read'), ('withdrawals.review'),
            ('receipts.review'), ('credit.grant'), ('grace.grant'), ('invoices.issue'), ('payments.allocate'), ('alerts.handle') $$, 'finance');
select set_eq($$ select permission from public.role_permissions where role = 'warehouse' $$,
  $$ values ('orders.read'), ('orders.process'), ('orders.ship'), ('stock.read'), ('stock.adjust'), ('returns.review') $$, 'warehouse');
select set_eq($$ select permission from public.role_permissions where role = 'logistics' $$, $$ values ('orders.read'), ('orders.ship'), ('orders.deliver') $$, 'logistics');
select is_empty($$ select permission from public.role_permissions where role = 'vendor' $$, 'a vendor has no permission over others'' things');
select set_eq($$ select role from public.role_permissions where permission = 'orders.cancel_delivered' $$, $$ values ('admin') $$, 'DESIGN section 6: only an admin cancels what was delivered');
select is_empty($$ select code from public.permissions p
                   where not exists (select from pg_proc f where f.pronamespace in ('public'::regnamespace, 'ledger'::regnamespace) and f.prosrc like '%''' || p.code || '''%')
                     and not exists (select from pg_policies l where l.qual like '%''' || p.code || '''%')
                     and not exists (select from public.order_status_transitions t where t.permission = p.code) $$, 'every permission is asked for by some procedure, policy or transition');

-- what a client asks to show or hide its controls
select tests.create_staff('frida', 'finance'), tests.create_supabase_user('ann');
insert into public.user_roles values (tests.get_supabase_uid('frida'), 'logistics');
select tests.authenticate_as('frida');
select set_eq('select * from public.my_permissions()', $$ select permission from public.role_permissions where role in ('finance', 'logistics') $$, 'my_permissions: those of all roles of the user');
select is((select count(*) - count(distinct p) from public.my_permissions() p), 0::bigint, 'each once');
select tests.authenticate_as('ann');
select is_empty('select * from public.my_permissions()', 'a customer has none');
select tests.authenticate_as_service_role();
select is_empty('select * from public.my_permissions()', 'a backend, which is no user, has none listed');
reset role;
select is(tests.outcome_as('anon', 'select * from public.my_permissions()'), '42501', 'a visitor may not ask');
select * from finish();
rollback;
