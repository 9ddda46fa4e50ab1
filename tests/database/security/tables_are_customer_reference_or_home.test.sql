-- DESIGN rule 10: every table is of one of three kinds, so that a shop can be split by customer.
begin;
select plan(8);

-- reason: why a customer table has no account_id of its own, or one that may be null
create temp table listed (name text, kind text, reason text);
insert into listed values
  ('public.accounts', 'customer', 'its id is the account_id'),
  ('public.audit_log', 'customer', 'null for what concerns no customer, such as an edited setting'),
  ('public.backorders', 'customer', null),
  ('public.card_bookings', 'customer', null),
  ('public.card_events', 'customer', 'null until it is known which order the payment is for'),
  ('public.card_payments', 'customer', 'null until it is known which order it is for'),
  ('public.discount_redemptions', 'customer', null),
  ('public.event_texts', 'customer', null),
  ('public.order_drafts', 'customer', null),
  ('public.old_flag_failures', 'customer', null),
  ('public.old_invoice_flags', 'customer', null),
  ('public.old_payment_flags', 'customer', null),
  ('public.reconciliation_runs', 'customer', 'a run is over the customers of its server'),
  ('public.integrity_findings', 'customer', 'null for what is in nobody''s books, such as stock'),
  ('public.reconciliation_actions', 'customer', 'null for what is in nobody''s books, such as stock'),
  ('public.integrity_checks', 'reference', null),
  ('ledger.integrity_relations', 'reference', null),
  ('ledger.guards', 'reference', null),
  ('public.kpi_snapshots', 'home', null),
  ('public.alerts', 'home', null),
  ('public.alert_rules', 'reference', null),
  ('public.event_fingerprints', 'customer', 'stands beside the seal with its hash'),
  ('public.event_seals', 'customer', 'one chain per server: transaction ids are comparable within one only'),
  ('public.immutable_events', 'customer', 'null for the shop''s own events, such as received stock'),
  ('public.invoice_lines', 'customer', null),
  ('public.invoices', 'customer', null),
  ('public.invoice_balance_cache', 'customer', null),
  ('public.account_debt_cache', 'customer', null),
  ('public.debt_movements', 'customer', null),
  ('public.payment_allocations', 'customer', null),
  ('public.order_items', 'customer', null),
  ('public.orders', 'customer', null),
  ('public.payments', 'customer', null),
  ('public.payment_receipts', 'customer', null),
  ('public.credit_terms', 'customer', null),
  ('public.imported_order_claims', 'customer', null),
  ('public.payment_deadlines', 'customer', null),
  ('public.shipments', 'customer', null),
  ('public.shipment_lines', 'customer', null),
  ('public.returns', 'customer', null),
  ('public.return_lines', 'customer', null),
  ('public.refund_lines', 'customer', null),
  ('public.refunds', 'customer', null),
  ('public.postings', 'customer', null),
  ('public.referral_commissions', 'customer', null),
  ('public.stock_reservations', 'customer', null),
  ('public.stock_reservation_lines', 'customer', null),
  ('public.transactions', 'customer', null),
  ('public.vendor_earnings', 'customer', 'null when nobody owns the vendor: the share stays with the house'),
  ('public.withdrawals', 'customer', null),
  ('ledger.idempotency_keys', 'customer', 'null for calls that touch no account; the caller''s id is in the key'),
  ('ledger.outbox', 'customer', 'null for the shop''s own messages, such as low stock'),
  ('ledger.rate_limit_buckets', 'customer', 'of a user on the server they call; lost without harm'),
  ('public.chart_accounts', 'reference', null),
  ('public.currencies', 'reference', null),
  ('public.discount_codes', 'reference', null),
  ('public.error_codes', 'reference', null),
  ('public.feature_flags', 'reference', null),
  ('public.invoice_series', 'reference', null),
  ('public.order_status_transitions', 'reference', null),
  ('public.payment_methods', 'reference', null),
  ('public.permissions', 'reference', null),
  ('public.products', 'reference', null),
  ('public.rate_limits', 'reference', null),
  ('public.role_permissions', 'reference', null),
  ('public.roles', 'reference', null),
  ('public.settings', 'reference', null),
  ('public.shipping_methods', 'reference', null),
  ('public.variants', 'reference', null),
  ('public.vendors', 'reference', null),
  ('ledger.scheduled_jobs', 'reference', null),
  ('ledger.kpi_metrics', 'reference', null),
  ('public.addresses', 'home', null),
  ('public.bulk_change_orders', 'home', null),
  ('public.bulk_changes', 'home', null),
  ('public.discount_usage', 'home', null),
  ('public.import_identities', 'home', null),
  ('public.import_rejects', 'home', null),
  ('public.import_rows', 'home', null),
  ('public.import_runs', 'home', null),
  ('public.profiles', 'home', null),
  ('public.referrals', 'home', null),
  ('ledger.low_stock_marks', 'home', null),
  ('public.stock_levels', 'home', null),
  ('public.stock_movements', 'home', null),
  ('public.user_roles', 'home', null);

create temp view tables as
  select c.oid, n.nspname || '.' || c.relname as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('public', 'ledger') and c.relkind in ('r', 'p') and not c.relispartition;

select set_eq('select name from tables', 'select name from listed', 'every table is listed with its kind, and no other is');
select is_empty($$ select name from listed group by name having count(*) > 1 or min(kind) not in ('customer', 'reference', 'home') $$,
  'each table has one kind');
select set_eq(
  $$ select t.name from tables t join listed l using (name)
     where l.kind = 'customer'
       and not exists (select from pg_attribute a where a.attrelid = t.oid and a.attname = 'account_id' and a.attnotnull) $$,
  $$ select name from listed where kind = 'customer' and reason is not null $$,
  'each customer table carries account_id, except those listed with a reason');
select is_empty(
  $$ select t.name from tables t join listed l using (name)
     where l.kind <> 'customer' and exists (select from pg_attribute a where a.attrelid = t.oid and a.attname = 'account_id') $$,
  'no reference or home table carries account_id');
select set_eq(
  $$ select t.name from tables t join pg_constraint c on c.conrelid = t.oid where c.confrelid = 'auth.users'::regclass $$,
  $$ values ('public.profiles') $$,
  'only profiles refers to auth.users');

-- what a customer table refers to is on its own server or on every server
select set_eq(
  $$ select distinct t.name || ' to ' || f.name
     from tables t
     join listed l on l.name = t.name and l.kind = 'customer'
     join pg_constraint c on c.conrelid = t.oid and c.contype = 'f' and c.conparentid = 0
     join tables f on f.oid = c.confrelid
     join listed r on r.name = f.name and r.kind = 'home' $$,
  $$ values ('public.referral_commissions to public.profiles') $$,
  'customer tables refer to customer and reference tables; a commission alone names its referee in profiles');
select is_empty(
  $$ select t.name || ' to ' || f.name
     from tables t
     join listed l on l.name = t.name and l.kind = 'reference'
     join pg_constraint c on c.conrelid = t.oid and c.contype = 'f'
     join tables f on f.oid = c.confrelid
     join listed r on r.name = f.name and r.kind = 'customer' $$,
  'no reference table refers to a customer table');
-- the account's id follows from user and currency, so a router knows it before it asks anybody
select is(ledger.account_id('00000000-0000-0000-0000-00000000000a', 'USD'),
  md5('00000000-0000-0000-0000-00000000000aUSD')::uuid, 'an account''s id is known without a look-up');

select * from finish();
rollback;
