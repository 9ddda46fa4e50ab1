-- DESIGN rule 8 and section 3: row-level security of every table and view, for customers and each staff role.
begin;
select plan(10);
select tests.open_shop();
select tests.open_repairs();
select tests.open_office();
select tests.open_old_orders();
select tests.open_returns();
select tests.open_till();
select tests.open_shadow();
select tests.open_trust();
select tests.open_refunds();
select tests.open_cards();
select tests.open_desk();
select tests.open_review();
select tests.open_market();
select tests.open_warehouse();
select tests.open_imports();
insert into public.vendors (name, owner_user_id) values ('Potter', tests.get_supabase_uid('vendor')), ('Grocer', null);
select ledger.raise_alert('job_failed', 'seal events', 1);
select ledger.take_kpi_snapshot();
-- as written by a transaction that is over, so that there is a seal to see
select tests.tamper('update public.immutable_events set written_by_xid = 3');
select ledger.seal_events();

-- which rows of each table are a user's own, and which permission shows all of them; no permission: everybody sees all
create temp table listed (name text, own text, permission text);
insert into listed values
  ('accounts', 'user_id = $1', 'accounts.read'),
  ('addresses', 'user_id = $1', 'customers.read'),
  ('audit_log', 'false', 'audit.read'),
  ('bulk_change_orders', 'false', 'orders.read'),
  ('bulk_changes', 'false', 'orders.read'),
  ('event_texts', 'account_id = ledger.account_id($1, ''USD'')', 'audit.read'),
  ('order_drafts', 'user_id = $1', 'orders.place'),
  ('card_bookings', 'false', 'accounts.read'),
  ('card_events', 'false', 'accounts.read'),
  ('card_events_unmatched', 'false', 'accounts.read'),
  ('card_payments', 'account_id = ledger.account_id($1, ''USD'')', 'accounts.read'),
  ('chart_accounts', 'true', null),
  ('currencies', 'true', null),
  ('customer_orders', 'user_id = $1', 'orders.read'),
  ('discount_codes', 'false', 'orders.read'),
  ('discount_redemptions', 'account_id = ledger.account_id($1, ''USD'')', 'orders.read'),
  ('discount_usage', 'false', 'orders.read'),
  ('error_codes', 'true', null),
  ('old_flag_failures', 'false', 'accounts.read'),
  ('old_invoice_flags', 'false', 'accounts.read'),
  ('old_payment_flags', 'false', 'accounts.read'),
  ('alert_rules', 'false', 'audit.read'),
  ('alerts', 'false', 'audit.read'),
  ('reconciliation_runs', 'false', 'audit.read'),
  ('integrity_checks', 'false', 'audit.read'),
  ('integrity_findings', 'false', 'audit.read'),
  ('reconciliation_actions', 'false', 'audit.read'),
  ('kpi_snapshots', 'false', 'reports.read'),
  ('event_seals', 'false', 'audit.read'),
  ('event_fingerprints', 'false', 'audit.read'),
  ('feature_flags', 'false', 'audit.read'),
  ('immutable_events', 'account_id = ledger.account_id($1, ''USD'')', 'audit.read'),
  ('imported_order_claims', 'false', 'audit.read'),
  ('import_identities', 'false', 'imports.run'),
  ('import_rejects', 'false', 'imports.run'),
  ('import_rows', 'false', 'imports.run'),
  ('import_runs', 'false', 'imports.run'),
  ('invoice_lines', 'account_id = ledger.account_id($1, ''USD'')', 'accounts.read'),
  ('invoice_series', 'false', 'accounts.read'),
  ('invoices', 'user_id = $1', 'accounts.read'),
  ('invoice_balance_cache', 'account_id = ledger.account_id($1, ''USD'')', 'accounts.read'),
  ('account_debt_cache', 'account_id = ledger.account_id($1, ''USD'')', 'accounts.read'),
  ('debt_movements', 'account_id = ledger.account_id($1, ''USD'')', 'accounts.read'),
  ('payment_allocations', 'account_id = ledger.account_id($1, ''USD'')', 'accounts.read'),
  ('open_invoices', 'user_id = $1', 'accounts.read'),
  ('order_items', 'account_id = ledger.account_id($1, ''USD'')', 'orders.read'),
  ('order_details', 'user_id = $1', 'orders.read'),
  ('order_management', 'user_id = $1', 'orders.read'),
  ('order_status_history', 'order_id in (select id from public.orders where user_id = $1)', 'orders.read'),
  ('order_status_transitions', 'true', null),
  ('orders', 'user_id = $1', 'orders.read'),
  ('payment_methods', 'true', null),
  ('payments', 'account_id = ledger.account_id($1, ''USD'')', 'accounts.read'),
  ('payment_receipts', 'user_id = $1', 'receipts.review'),
  ('receipt_queue', 'user_id = $1', 'receipts.review'),
  ('credit_terms', 'account_id = ledger.account_id($1, ''USD'')', 'accounts.read'),
  ('overdue_orders', 'user_id = $1', 'orders.read'),
  ('payment_deadlines', 'account_id = ledger.account_id($1, ''USD'')', 'orders.read'),
  ('permissions', 'true', null),
  ('postings', 'false', 'accounts.read'),
  ('products', 'is_active', 'stock.read'),
  ('profiles', 'id = $1', 'customers.read'),
  ('rate_limits', 'true', null),
  ('referral_commissions', 'account_id = ledger.account_id($1, ''USD'')', 'accounts.read'),
  ('referrals', '$1 in (referee_user_id, referrer_user_id)', 'customers.read'),
  ('return_lines', 'account_id = ledger.account_id($1, ''USD'')', 'orders.read'),
  ('refund_lines', 'account_id = ledger.account_id($1, ''USD'')', 'orders.read'),
  ('refunds', 'account_id = ledger.account_id($1, ''USD'')', 'orders.read'),
  ('returns', 'user_id = $1', 'orders.read'),
  ('role_permissions', 'true', null),
  ('roles', 'true', null),
  ('settings', 'true', null),
  ('shipment_lines', 'account_id = ledger.account_id($1, ''USD'')', 'orders.read'),
  ('shipments', 'account_id = ledger.account_id($1, ''USD'')', 'orders.read'),
  ('shipping_methods', 'is_active', null),
  ('stock_levels', 'true', null),
  ('stock_movements', 'false', 'stock.read'),
  ('stock_reservation_lines', 'account_id = ledger.account_id($1, ''USD'')', 'orders.read'),
  ('stock_reservations', 'user_id = $1', 'orders.read'),
  ('backorders', 'account_id = ledger.account_id($1, ''USD'')', 'orders.read'),
  ('transactions', 'account_id = ledger.account_id($1, ''USD'')', 'accounts.read'),
  ('user_roles', 'user_id = $1', 'customers.read'),
  ('variant_stock', 'true', null),
  ('variants', 'is_active', 'stock.read'),
  ('vendor_earnings', 'account_id = ledger.account_id($1, ''USD'')', 'accounts.read'),
  ('vendors', 'owner_user_id = $1', 'stock.read'),
  ('withdrawals', 'user_id = $1', 'withdrawals.review');
update public.variants set is_active = false where sku = 'TEA';
update public.products set is_active = false where name = 'Product TEA';

create function pg_temp.rows_of(p_name text, p_condition text, p_user uuid) returns bigint language plpgsql as $$
declare v_count bigint;
begin
  execute format('select count(*) from public.%I where %s', p_name, p_condition) into v_count using p_user;
  return v_count;
end $$;

create temp table seen as
  select l.name, u.who, tests.count_as(u.who, 'public.' || l.name) as seen,
         pg_temp.rows_of(l.name, l.own, tests.get_supabase_uid(u.who)) as own,
         pg_temp.rows_of(l.name, 'true', tests.get_supabase_uid(u.who)) as all_rows,
         l.permission is not null and exists (select from public.role_permissions r where r.role = u.who and r.permission = l.permission) as may_see_all
  from listed l, unnest('{ann,bob,carol,admin,finance,warehouse,logistics,vendor}'::text[]) u (who);

select set_eq($$ select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v') $$,
  'select name from listed', 'every table and view is looked at');
select is_empty('select name, who, seen, own from seen where who in (''ann'', ''bob'', ''carol'') and seen <> own::text',
  'a customer sees their own rows of each table and view, and no others');
select is_empty($$ select l.name from listed l join seen s using (name) where l.own ~ '\$1' and s.who in ('ann', 'vendor') group by l.name having max(s.own) = 0 $$,
  'of every table with rows of one''s own somebody has some, so the test above proves something');
select is_empty('select name from seen where all_rows = 0', 'no table is empty, so seeing nothing proves something');
select is_empty($$ select name, who, seen, all_rows from seen where may_see_all and seen <> all_rows::text $$,
  'a staff role sees all rows of the tables that its permissions open');
-- order staff read the history of orders, which lies in the events, and what was paid for them
select is_empty($$ select name, who, seen, own from seen where who in ('finance', 'warehouse', 'logistics', 'vendor') and not may_see_all
                   and name not in ('immutable_events', 'event_texts', 'payments') and seen <> own::text $$,
  'a staff role sees nothing of the others'' rows in the tables that its permissions do not open');
select is(tests.count_as('logistics', 'public.immutable_events'),
  (select count(*)::text from public.immutable_events where stream_type = 'order'),
  'logistics sees the events of orders, and no other events');
select is(tests.count_as('logistics', 'public.payments'), (select count(*)::text from public.payments where order_id is not null),
  'logistics sees the payments of orders, and no other payments');
select is(tests.count_as('vendor', 'public.immutable_events'),
  (select count(*)::text from public.immutable_events where account_id = ledger.account_id(tests.get_supabase_uid('vendor'), 'USD')),
  'a vendor''s owner sees the events of their own account, and no others');
select is_empty($$ select l.name, l.permission from listed l where tests.count_as('service_role', 'public.' || l.name) <> pg_temp.rows_of(l.name, 'true', null)::text $$,
  'a backend sees all rows of every table');
select * from finish();
rollback;
