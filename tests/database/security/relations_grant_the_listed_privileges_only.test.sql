-- DESIGN section 2 (Supabase grants everything by default) and section 3: clients read, procedures write.
begin;
select plan(20);
select lives_ok('select ledger.create_month_partitions()', 'months are there, so that their partitions are looked at too');

-- r is SELECT; what every role may do with each table and view
create temp table listed (name text, anon text, authenticated text, service_role text);
insert into listed values
  ('accounts', '', 'r', 'r'),
  ('addresses', '', 'r', 'r'),
  ('alert_rules', '', 'r', 'r'),
  ('alerts', '', 'r', 'r'),
  ('audit_log', '', 'r', 'r'),
  ('bulk_change_orders', '', 'r', 'r'),
  ('bulk_changes', '', 'r', 'r'),
  ('event_texts', '', 'r', 'r'),
  ('order_drafts', '', 'r', 'r'),
  ('card_bookings', '', 'r', 'r'),
  ('card_events', '', 'r', 'r'),
  ('card_events_unmatched', '', 'r', 'r'),
  ('card_payments', '', 'r', 'r'),
  ('chart_accounts', '', 'r', 'r'),
  ('currencies', 'r', 'r', 'r'),
  ('customer_orders', '', 'r', 'r'),
  ('discount_codes', '', 'r', 'raw'),
  ('discount_redemptions', '', 'r', 'r'),
  ('discount_usage', '', 'r', 'r'),
  ('error_codes', 'r', 'r', 'r'),
  ('old_flag_failures', '', 'r', 'r'),
  ('old_invoice_flags', '', 'r', 'r'),
  ('old_payment_flags', '', 'r', 'r'),
  ('reconciliation_runs', '', 'r', 'r'),
  ('integrity_checks', '', 'r', 'r'),
  ('integrity_findings', '', 'r', 'r'),
  ('reconciliation_actions', '', 'r', 'r'),
  ('kpi_snapshots', '', 'r', 'r'),
  ('event_seals', '', 'r', 'r'),
  ('event_fingerprints', '', 'r', 'r'),
  ('feature_flags', '', 'r', 'r'),
  ('immutable_events', '', 'r', 'r'),
  ('import_identities', '', 'r', 'r'),
  ('import_rejects', '', 'r', 'r'),
  ('import_rows', '', 'r', 'r'),
  ('import_runs', '', 'r', 'r'),
  ('invoice_lines', '', 'r', 'r'),
  ('invoice_series', '', 'r', 'r'),
  ('invoices', '', 'r', 'r'),
  ('invoice_balance_cache', '', 'r', 'r'),
  ('account_debt_cache', '', 'r', 'r'),
  ('debt_movements', '', 'r', 'r'),
  ('payment_allocations', '', 'r', 'r'),
  ('open_invoices', '', 'r', 'r'),
  ('order_details', '', 'r', 'r'),
  ('order_items', '', 'r', 'r'),
  ('order_management', '', 'r', 'r'),
  ('order_status_history', '', 'r', 'r'),
  ('order_status_transitions', '', 'r', 'r'),
  ('orders', '', 'r', 'r'),
  ('payment_methods', 'r', 'r', 'r'),
  ('payments', '', 'r', 'r'),
  ('payment_receipts', '', 'r', 'r'),
  ('receipt_queue', '', 'r', 'r'),
  ('credit_terms', '', 'r', 'r'),
  ('overdue_orders', '', 'r', 'r'),
  ('imported_order_claims', '', 'r', 'r'),
  ('payment_deadlines', '', 'r', 'r'),
  ('permissions', '', 'r', 'r'),
  ('postings', '', 'r', 'r'),
  ('products', 'r', 'r', 'raw'),
  ('profiles', '', 'r', 'r'),
  ('rate_limits', '', 'r', 'r'),
  ('referral_commissions', '', 'r', 'r'),
  ('referrals', '', 'r', 'r'),
  ('return_lines', '', 'r', 'r'),
  ('refund_lines', '', 'r', 'r'),
  ('refunds', '', 'r', 'r'),
  ('returns', '', 'r', 'r'),
  ('role_permissions', '', 'r', 'r'),
  ('roles', '', 'r', 'r'),
  ('settings', '', 'r', 'r'),
  ('shipment_lines', '', 'r', 'r'),
  ('shipments', '', 'r', 'r'),
  ('shipping_methods', 'r', 'r', 'raw'),
  ('stock_levels', 'r', 'r', 'r'),
  ('stock_movements', '', 'r', 'r'),
  ('stock_reservation_lines', '', 'r', 'r'),
  ('stock_reservations', '', 'r', 'r'),
  ('backorders', '', 'r', 'r'),
  ('transactions', '', 'r', 'r'),
  ('user_roles', '', 'r', 'r'),
  ('variant_stock', 'r', 'r', 'r'),
  ('variants', 'r', 'r', 'raw'),
  ('vendor_earnings', '', 'r', 'r'),
  ('vendors', '', 'r', 'raw'),
  ('withdrawals', '', 'r', 'r');

create temp view relations as
  select c.oid, n.nspname as schema, c.relname::text as name, c.relkind, c.relrowsecurity, c.reloptions, c.relispartition, c.relowner
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('public', 'ledger');

create function pg_temp.letters(p_role text, p_relation oid) returns text language sql stable as $$
  select coalesce(string_agg(coalesce(l.letter, a.privilege_type), '' order by l.position nulls last), '')
  from pg_class c
  cross join lateral aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
  left join (values (1, 'r', 'SELECT'), (2, 'a', 'INSERT'), (3, 'w', 'UPDATE')) l (position, letter, privilege)
    on l.privilege = a.privilege_type
  where c.oid = p_relation and a.grantee = p_role::regrole;
$$;

select bag_eq(
  $$ select name, pg_temp.letters('anon', oid) as anon, pg_temp.letters('authenticated', oid) as authenticated,
            pg_temp.letters('service_role', oid) as service_role
     from relations where schema = 'public' and relkind in ('r', 'p', 'v', 'm', 'f') $$,
  'select * from listed',
  'each table and view in public grants the listed privileges and no other');
select is_empty($$ select name, r from relations, unnest('{anon,authenticated,service_role}'::text[]) r
                   where schema = 'ledger' and relkind in ('r', 'p', 'v', 'm', 'f') and pg_temp.letters(r, oid) <> '' $$,
  'no table or view in ledger grants anything to a client, partitions included');
select is_empty($$ select name, r from relations, unnest('{anon,authenticated,service_role}'::text[]) r
                   where relkind = 'S' and has_sequence_privilege(r, oid, 'usage, select, update') $$,
  'no sequence can be read or moved by a client');
select is_empty($$ select name from relations where relkind = 'S' and schema = 'public' $$, 'no sequence is in public');
select is_empty($$ select attrelid::regclass, attname from pg_attribute where attacl is not null and attrelid in (select oid from relations) $$,
  'no column has privileges of its own');
select is_empty($$ select c.relname from pg_class c join relations r using (oid), aclexplode(c.relacl) a where a.grantee = 0 $$,
  'no relation grants anything to PUBLIC');
select is_empty($$ select c.relname from pg_class c join relations r using (oid), aclexplode(c.relacl) a where a.is_grantable and a.grantee <> c.relowner $$,
  'nobody may pass privileges on');

select is_empty($$ select r from unnest('{anon,authenticated,service_role,authenticator}'::text[]) r
                   where has_schema_privilege(r, 'ledger', 'usage') or has_schema_privilege(r, 'ledger', 'create') $$,
  'no client may use schema ledger');
select is_empty($$ select r from unnest('{anon,authenticated,service_role}'::text[]) r where has_schema_privilege(r, 'public', 'create') $$,
  'no client may create anything in public');

select is_empty($$ select name from relations where schema = 'public' and relkind in ('r', 'p') and not relrowsecurity $$,
  'every table in public has row-level security');
select is_empty($$ select name from relations where relispartition and relkind = 'r' and not relrowsecurity $$,
  'every partition has row-level security, also those made later');
select is_empty($$ select name from relations where relkind = 'v' and not coalesce(reloptions, '{}') @> '{security_invoker=true}' $$,
  'every view reads as its caller, so policies hold through it');
select is_empty($$ select name from relations where relkind in ('m', 'f') $$,
  'there is no materialized view or foreign table, which know no policies');

-- policies
select is_empty($$ select tablename, policyname from pg_policies where schemaname in ('public', 'ledger') and cmd <> 'SELECT' $$,
  'no policy lets a client write: writing is for procedures');
select set_eq(
  $$ select p.tablename::text from pg_policies p where p.schemaname = 'public' and p.roles @> '{anon}' $$,
  $$ values ('currencies'), ('error_codes'), ('payment_methods'), ('products'), ('shipping_methods'), ('stock_levels'), ('variants') $$,
  'policies let visitors read the public tables only');
select set_eq(
  $$ select p.tablename::text from pg_policies p where p.schemaname = 'public' and p.qual = 'true' $$,
  $$ values ('chart_accounts'), ('currencies'), ('error_codes'), ('order_status_transitions'), ('payment_methods'), ('permissions'),
            ('rate_limits'), ('role_permissions'), ('roles'), ('settings'), ('stock_levels') $$,
  'only reference tables are open to all members');
select is_empty($$ select p.tablename, p.policyname from pg_policies p
                   where p.schemaname = 'public' and p.qual ~ '(auth\.uid|caller_may|_seen)\('
                     and p.qual ~* '(?<!select )(auth\.uid|ledger\.caller_may|ledger\.\w+_seen)\(' $$,
  'policies ask who reads once per statement, not once per row (DESIGN rule 8)');

select is_empty($$ select name from relations where relkind in ('r', 'p', 'v') and not relispartition and obj_description(oid, 'pg_class') is null $$,
  'every table and view has a comment');
select is_empty($$ select name from relations where relkind in ('r', 'p', 'v', 'S') and pg_get_userbyid(relowner) <> 'postgres' $$,
  'every relation belongs to postgres');

select * from finish();
rollback;
