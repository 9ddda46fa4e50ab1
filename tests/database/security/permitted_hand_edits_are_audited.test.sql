-- DESIGN rule 7: every hand edit that is allowed in the dashboard is in audit_log, with what was and what is.
begin;
set local client_min_messages = warning; -- a TRUNCATE names what it cascades to
select tests.open_shop();

create temp table edits (target text, target_id text, action text, statement text);
insert into edits values
  ('settings', 'low_stock_threshold', 'update', $$update public.settings set value = '7' where key = 'low_stock_threshold'$$),
  ('feature_flags', 'outbox_enabled', 'update', $$update public.feature_flags set state = 'off' where key = 'outbox_enabled'$$),
  ('invoice_series', 'invoice', 'update', $$update public.invoice_series set prefix = 'R-', digits = 8 where code = 'invoice'$$),
  ('invoice_series', 'branch', 'insert', $$insert into public.invoice_series (code, kind, prefix, description) values ('branch', 'invoice', 'B-', 'Of the branch.')$$),
  ('order_status_transitions', 'shipped', 'update', $$update public.order_status_transitions set needs_payment = false where from_status = 'shipped' and to_status = 'delivered'$$),
  ('order_status_transitions', 'pending', 'delete', $$delete from public.order_status_transitions where from_status = 'pending' and to_status = 'processing'$$),
  ('order_status_transitions', 'rejected', 'insert', $$insert into public.order_status_transitions values ('rejected', 'confirmed', 'orders.confirm', true)$$),
  ('user_roles', tests.get_supabase_uid('bob')::text, 'insert', format('insert into public.user_roles values (%L, ''warehouse'')', tests.get_supabase_uid('bob'))),
  ('user_roles', tests.get_supabase_uid('vendor')::text, 'delete', format('delete from public.user_roles where user_id = %L', tests.get_supabase_uid('vendor'))),
  ('role_permissions', 'vendor', 'insert', $$insert into public.role_permissions values ('vendor', 'stock.read')$$),
  ('role_permissions', 'finance', 'delete', $$delete from public.role_permissions where role = 'finance' and permission = 'audit.read'$$),
  ('roles', 'auditor', 'insert', $$insert into public.roles values ('auditor', 'Reads.')$$),
  ('permissions', 'orders.read', 'update', $$update public.permissions set description = 'All orders.' where code = 'orders.read'$$),
  ('variants', tests.get_variant_id('MUG')::text, 'update', $$update public.variants set price_amount = 1300 where sku = 'MUG'$$),
  ('products', (select product_id::text from public.variants where sku = 'MUG'), 'update', $$update public.products set is_active = false where name = 'Product MUG'$$),
  ('shipping_methods', 'POST', 'update', $$update public.shipping_methods set price_amount = 600 where code = 'POST'$$),
  ('payment_methods', 'bank_transfer', 'update', $$update public.payment_methods set is_active = false where code = 'bank_transfer'$$),
  ('discount_codes', 'TEN', 'update', $$update public.discount_codes set max_redemptions = 5 where code = 'TEN'$$),
  ('rate_limits', 'ledger_place_order', 'update', $$update public.rate_limits set capacity = 10 where procedure = 'ledger_place_order'$$),
  ('error_codes', 'empty_order', 'update', $$update public.error_codes set message = 'Nothing was ordered.' where code = 'empty_order'$$),
  ('currencies', 'EUR', 'update', $$update public.currencies set name = 'euro' where code = 'EUR'$$),
  ('chart_accounts', 'bank', 'update', $$update public.chart_accounts set name = 'House bank' where code = 'bank'$$),
  ('profiles', tests.get_supabase_uid('ann')::text, 'update', $$update public.profiles set display_name = 'Ann' where id = tests.get_supabase_uid('ann')$$),
  ('addresses', (select id::text from public.addresses), 'update', $$update public.addresses set city = 'Mosul'$$),
  ('integrity_relations', 'big_orders', 'insert', $$insert into ledger.integrity_relations (name, position, whole) values ('big_orders', 1000, 'select * from orders where total_amount > 100000')$$),
  ('guards', 'public.rate_limits', 'insert', $$insert into ledger.guards values ('public.rate_limits', 'rows_stay', 'A', 'none')$$),
  ('integrity_checks', 'outbox_lags', 'update', $$update public.integrity_checks set enabled = false where code = 'outbox_lags'$$),
  ('alert_rules', 'job_failed', 'update', $$update public.alert_rules set limit_value = 2 where code = 'job_failed'$$),
  ('kpi_metrics', 'orders_open', 'update', $$update ledger.kpi_metrics set description = 'Orders in work.' where name = 'orders_open'$$),
  ('scheduled_jobs', 'seal events', 'update', $$update ledger.scheduled_jobs set enabled = false where name = 'seal events'$$),
  ('orders', (select id::text from public.orders where user_id = tests.get_supabase_uid('bob')), 'update', format('update public.orders set notes = ''ring twice'' where user_id = %L', tests.get_supabase_uid('bob'))),
  ('orders', (select id::text from public.orders where user_id = tests.get_supabase_uid('carol')), 'update', format('update public.orders set metadata = ''{"gift": true}'' where user_id = %L', tests.get_supabase_uid('carol')));

/* The audit rows that a statement leaves, as [action, target_type, target_id, role]; all of it is undone. */
create function pg_temp.audit_of(p_who text, p_statement text) returns jsonb language plpgsql as $$
declare
  v_last bigint := (select max(a.id) from public.audit_log a);
  v_rows jsonb;
begin
  begin
    v_rows := to_jsonb(tests.outcome_as(p_who, p_statement));
    if v_rows = '"done"' then
      select jsonb_agg(jsonb_build_array(a.action, a.target_type, a.target_id, a.actor_role)) into v_rows from public.audit_log a where a.id > v_last;
    end if;
    raise exception using errcode = 'TRIED';
  exception when sqlstate 'TRIED' then null;
  end;
  return v_rows;
end $$;

select plan((select count(*)::int from edits) + 22);
select is(pg_temp.audit_of('postgres', statement), jsonb_build_array(jsonb_build_array(action, target, target_id, session_user)),
  format('%s of %s %s by hand goes through and leaves one line in the audit log', action, target, target_id))
from edits;
select set_eq(
  $$ select c.relname::text from pg_trigger t join pg_class c on c.oid = t.tgrelid where t.tgname = 'edits_are_audited' $$,
  $$ select target from edits union values ('vendors') $$, 'every table that is audited was tried, with vendors below');

-- what the line says
update public.settings set value = '9' where key = 'low_stock_threshold';
select results_eq(
  $$ select details #>> '{old,value}', details #>> '{new,value}', details #>> '{new,key}' from public.audit_log order by id desc limit 1 $$,
  $$ values ('5', '9', 'low_stock_threshold') $$, 'the line holds the old and the new row');
delete from public.role_permissions where role = 'logistics' and permission = 'orders.ship';
select results_eq($$ select details -> 'new', details -> 'old' from public.audit_log order by id desc limit 1 $$,
  $$ values (null::jsonb, '{"role": "logistics", "permission": "orders.ship"}'::jsonb) $$, 'the line of a removed row holds what it was');
select is(tests.outcome_as('service_role', $$ insert into public.vendors (name) values ('Potter') $$), 'done', 'a backend may add a vendor');
select results_eq($$ select action, target_type, actor_role, details #>> '{new,name}' from public.audit_log order by id desc limit 1 $$,
  $$ values ('insert', 'vendors', 'service_role', 'Potter') $$, 'which is audited with the role that did it');
select set_config('request.headers', '{"x-forwarded-for": "10.0.0.1, 203.0.113.7", "user-agent": "dashboard"}', true);
update public.feature_flags set state = 'dry' where key = 'active_reconciliation';
select results_eq($$ select ip_address, user_agent, details #>> '{old,state}', details #>> '{new,state}' from public.audit_log order by id desc limit 1 $$,
  $$ values ('203.0.113.7', 'dashboard', 'off', 'dry') $$, 'the line says from where: the hop nearest to the platform, not what the client wrote before it');
select set_config('request.headers', '', true);

-- and the edit has its effect
select is(tests.try_as('warehouse', format('select * from public.ledger_change_order_status(%L, %L, ''pending'', ''confirmed'', 1250)',
    tests.get_supabase_uid('bob'), (select id from public.orders where user_id = tests.get_supabase_uid('bob')))), '42501', 'before the edit the warehouse may not confirm');
update public.order_status_transitions set permission = 'orders.process' where from_status = 'pending' and to_status = 'confirmed';
select is(tests.try_as('warehouse', format('select * from public.ledger_change_order_status(%L, %L, ''pending'', ''confirmed'', 1250)',
    tests.get_supabase_uid('bob'), (select id from public.orders where user_id = tests.get_supabase_uid('bob')))), 'success', 'after the edit of the transition it may');

-- what an edit may not make of a transition
select throws_ok($$ insert into public.order_status_transitions values ('cancelled', 'pending', 'orders.cancel', false) $$, '23514', null, 'nothing can lead out of cancelled');
select throws_ok($$ insert into public.order_status_transitions values ('refunded', 'delivered', 'orders.cancel', false) $$, '23514', null, 'nothing can lead out of refunded');
select throws_ok($$ insert into public.order_status_transitions values ('delivered', 'processing', 'orders.cancel', false) $$, '23514', null, 'a delivery is not undone');
select throws_ok($$ insert into public.order_status_transitions values ('pending', 'pending', 'orders.cancel', false) $$, '23514', null, 'a status leads to another one');
select throws_ok($$ insert into public.order_status_transitions values ('pending', 'refunded', 'orders.cancel', false) $$, '23514', null, 'only what was delivered is refunded');
select throws_ok($$ update public.order_status_transitions set customer_may = true where to_status = 'delivered' $$, '23514', null, 'customers do nothing but cancel');
select throws_ok($$ update public.order_status_transitions set permission = 'orders.anything' $$, '23503', null, 'a transition asks for a permission that exists');

-- TRUNCATE leaves no rows to audit, so it is refused
select is_empty($$ select c.relname from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
                   where t.tgname = 'edits_are_audited'
                     and tests.error_as('postgres', format('truncate %I.%I cascade', n.nspname, c.relname)) not like '42501: truncate on % is refused%' $$,
  'TRUNCATE of a table whose edits are audited is refused');
select matches(tests.error_as('postgres', 'truncate public.user_roles'), 'Delete the rows that should go', 'and the message says what to do instead');

-- a procedure's own writes are no hand edits
create temp table last as select max(id) as id from public.audit_log;
select is(tests.outcome_as('ann', $$ select * from public.ledger_save_address('Ann', '2 Mill Lane', 'Basra', 'IQ') $$), 'success', 'a customer saves an address');
select is_empty('select * from public.audit_log a, last l where a.id > l.id', 'which is no hand edit and leaves no line of one');
select * from tests.create_supabase_user('eve');
select is_empty('select * from public.audit_log a, last l where a.id > l.id', 'nor is a sign-up');
select is(tests.place_order('bob', 'TEA') is not null, true, 'an order is placed');
select results_eq('select a.action from public.audit_log a, last l where a.id > l.id', $$ values ('order.placed') $$, 'which leaves one line, its own');
select * from finish();
rollback;
