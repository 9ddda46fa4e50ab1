-- DESIGN rule 5: balances, statuses, totals and stock refuse hand edits with a message that names the procedure to call.
begin;
set local client_min_messages = warning; -- a TRUNCATE names what it cascades to
select tests.open_shop();
select tests.open_repairs();
select tests.open_office();
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
select ledger.raise_alert('job_failed', 'seal events', 1);
select tests.open_old_orders();
-- what waits for the commit would refuse a TRUNCATE before the guards do
set constraints all immediate;
set constraints all deferred;
create temp table listed (name text, procedure text, free_columns text[]);
insert into listed values
  ('accounts', 'ledger_credit_account', '{}'),
  ('alerts', 'ledger_acknowledge_alert', '{}'),
  ('bulk_change_orders', 'ledger_bulk_change_status', '{}'),
  ('bulk_changes', 'ledger_bulk_change_status', '{}'),
  ('order_drafts', 'order_draft_save', '{}'),
  ('card_payments', 'ledger_confirm_payment', '{}'),
  ('imported_order_claims', 'integrity_emergency_order_fix', '{}'),
  ('discount_redemptions', 'ledger_place_order', '{}'),
  ('discount_usage', 'ledger_place_order', '{}'),
  ('invoices', 'ledger_issue_invoice', '{}'),
  ('invoice_balance_cache', 'ledger_allocate_payment', '{}'),
  ('account_debt_cache', 'ledger_issue_invoice', '{}'),
  ('old_invoice_flags', 'ledger_allocate_payment', '{}'),
  ('old_payment_flags', 'ledger_allocate_payment', '{}'),
  ('order_items', 'ledger_place_order', '{}'),
  ('orders', 'ledger_change_order_status', '{metadata,notes}'),
  ('payments', 'ledger_record_payment', '{}'),
  ('payment_receipts', 'ledger_submit_receipt', '{}'),
  ('credit_terms', 'ledger_set_credit_terms', '{}'),
  ('payment_deadlines', 'ledger_extend_grace', '{}'),
  ('referral_commissions', 'ledger_change_order_status', '{}'),
  ('referrals', 'ledger_register_referral', '{}'),
  ('refunds', 'ledger_refund_order', '{}'),
  ('reconciliation_actions', 'reconciliation_apply', '{}'),
  ('return_lines', 'ledger_review_return', '{}'),
  ('returns', 'ledger_review_return', '{}'),
  ('shipments', 'ledger_ship_order', '{}'),
  ('stock_levels', 'ledger_adjust_stock', '{}'),
  ('stock_reservations', 'order_reserve', '{}'),
  ('backorders', 'ledger_place_order', '{}'),
  ('vendor_earnings', 'ledger_change_order_status', '{}'),
  ('withdrawals', 'ledger_review_withdrawal', '{}');
create temp table columns as
  select l.name, l.procedure, a.attname::text as column_name, a.attname::text = any (l.free_columns) as free
  from listed l join pg_attribute a on a.attrelid = ('public.' || l.name)::regclass
  where a.attnum > 0 and not a.attisdropped and a.attgenerated = '';
create temp table before as select tests.state() as state;

select plan((select count(*)::int from columns where not free) + (select count(*)::int from listed) * 6 + 31);
select is_empty($$ select name from listed where tests.count_as('postgres', 'public.' || name) = '0' $$, 'each of these tables has rows that could be edited');
select matches(tests.error_as('postgres', format('update public.%I set %I = %I', name, column_name, column_name)),
  format('^42501: update on %s by hand is refused: .*\(Call .*%s', name, procedure),
  format('%s.%s cannot be edited by hand; %s is named', name, column_name, procedure))
from columns where not free;
select matches(tests.error_as('postgres', format(s.statement, name)), format('^42501: %s on %s by hand is refused: .*\(Call .*%s', s.kind, name, procedure),
  format('%s of %s by hand is refused; %s is named', s.kind, name, procedure))
from listed, (values ('delete', 'delete from public.%I'), ('truncate', 'truncate public.%I cascade')) s (kind, statement);
select matches(tests.error_as('postgres', format('insert into public.%I default values', name)), format('^42501: insert on %s by hand is refused', name),
  format('insert into %s by hand is refused', name))
from listed;

-- the edits that people try in the dashboard
select matches(tests.error_as('postgres', $$ update public.accounts set total_earned = 1000000 where user_id = tests.get_supabase_uid('bob') $$), '^42501', 'giving money by hand is refused');
select matches(tests.error_as('postgres', $$ update public.accounts set frozen_reason = null $$), '^42501', 'releasing an account by hand is refused');
select matches(tests.error_as('postgres', $$ update public.orders set status = 'delivered', notes = 'call me' $$), '^42501', 'a status change beside a free column is refused');
select matches(tests.error_as('postgres', $$ update public.orders set payment_status = 'paid', paid_amount = total_amount $$), '^42501', 'marking orders as paid by hand is refused');
select matches(tests.error_as('postgres', $$ update public.stock_levels set on_hand = 5 where variant_id = tests.get_variant_id('MUG') $$), '^42501', 'setting stock by hand is refused');
select matches(tests.error_as('postgres', $$ update public.withdrawals set status = 'paid' $$), '^42501', 'paying a withdrawal by hand is refused');
select matches(tests.error_as('postgres', format('update public.%I set status = ''delivered''', view_name)), '^42501: update on orders by hand is refused', format('a status change through %s is refused', view_name)) from unnest('{customer_orders,order_management}'::text[]) view_name;
select matches(tests.error_as('postgres', $$ merge into public.accounts a using (values (1)) v on true when matched then update set total_earned = 1000000 $$), '^42501: update on accounts by hand is refused', 'giving money by MERGE is refused');
select matches(tests.error_as('postgres', $$ update public.accounts set total_earned = 1000000 where user_id = gen_random_uuid() $$), '^42501: update on accounts by hand is refused', 'an edit that finds no row is refused as well: it was meant for one');
select matches(tests.error_as('postgres', $$ delete from auth.users where id = tests.get_supabase_uid('ann') $$), '^23503', 'a user with a profile cannot be deleted: the books refer to them');
select is(tests.changes((select state from before), tests.state()), null, 'none of all this changed anything');

-- the mode that restores and seed files set switches ordinary triggers off; these stay on
set local session_replication_role = replica;
select is(tests.outcome_as('postgres', statement), '42501', format('%s of %s is refused in replica mode too', kind, name)) from (
  select l.name, s.kind, format(s.statement, l.name, (select c.column_name from columns c where c.name = l.name and not c.free limit 1)) as statement
  from listed l, (values ('update', 'update public.%1$I set %2$I = %2$I'), ('delete', 'delete from public.%1$I'), ('truncate', 'truncate public.%1$I cascade')) s (kind, statement)) t;
set local session_replication_role = origin;

-- rows that are part of the schema, and the columns of them that procedures rely on
select matches(tests.error_as('postgres', statement), '^42501: .* by hand is refused: procedures rely on these rows', statement || ' is refused') from unnest(array[
  'delete from public.currencies where code = ''GBP''', 'update public.currencies set exponent = 3 where code = ''USD''', 'update public.currencies set code = ''XXX'' where code = ''GBP''',
  'delete from public.chart_accounts where code = ''adjustments''', 'update public.chart_accounts set normal_side = ''credit'', kind = ''liability'' where code = ''bank''',
  'delete from public.settings where key = ''tax_rate_bp''', 'delete from public.feature_flags', 'delete from public.error_codes where code = ''empty_order''',
  'update public.error_codes set code = ''no_order'' where code = ''empty_order''', 'delete from public.permissions where code = ''stock.read''',
  'update public.permissions set code = ''stock.look'' where code = ''stock.read''',
  'delete from public.alert_rules where code = ''job_failed''', 'update public.alert_rules set query = ''select 1'' where code = ''job_failed''']) statement;
-- and the person behind an account
select matches(tests.error_as('postgres', statement), '^42501: .* of the profile of .* is refused: the books refer to this person', statement || ' is refused') from unnest(array[
  'delete from public.profiles where id = tests.get_supabase_uid(''ann'')', 'update public.profiles set id = gen_random_uuid() where id = tests.get_supabase_uid(''ann'')']) statement;
select is(tests.changes((select state from before), tests.state()), null, 'none of that changed anything either');

-- the guard looks at the mark itself and answers null: per row, that would leave out a procedure's rows in silence
select is_empty($$ select tgrelid::regclass, tgname from pg_trigger where tgfoid = 'ledger.refuse_hand_edit'::regproc and tgtype & 1 = 1 $$, 'this guard is per statement wherever it is');
-- and every other table is guarded in one of these ways
select set_eq(
  $$ select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname in ('public', 'ledger') and c.relkind in ('r', 'p') and not c.relispartition
       and not exists (select from pg_trigger t where t.tgrelid = c.oid
                       and t.tgname in ('rows_never_change', 'values_come_from_procedures', 'edits_are_audited', 'keys_stay')) $$,
  $$ values ('ledger.outbox'), ('ledger.rate_limit_buckets') $$,
  'every table is immutable, protected or audited, except the outbox, which a worker writes, and the buckets');
select * from finish();
rollback;
