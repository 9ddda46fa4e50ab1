-- The register of personal data is complete: a column of words is either in it or known to say nothing of a person.
begin;
select plan(6);

-- tables of the shop and not of its customers
create temp table reference (relation text);
insert into reference select 'public.' || r from unnest('{alert_rules,chart_accounts,currencies,discount_codes,error_codes,feature_flags,invoice_series,order_status_transitions,payment_methods,
  permissions,products,rate_limits,role_permissions,roles,settings,shipping_methods,variants,vendors,user_roles,stock_movements}'::text[]) r
union all select unnest('{public.integrity_checks,ledger.integrity_relations,ledger.guards}'::text[])
union all select 'ledger.kpi_metrics'
union all select 'ledger.scheduled_jobs';

-- words of the system's own, or with an end of their own; reason: why the latter need no line in the register
create temp table impersonal (relation text, columns text[], reason text);
insert into impersonal values
  ('ledger.idempotency_keys', '{procedure}', null),
  ('ledger.idempotency_keys', '{answer,key}', 'answers hold ids, statuses and amounts; keys go after idempotency_retention_days'),
  ('ledger.outbox', '{error_last,payload,status,type}', 'says what its event says; a payload of its own is about stock, seals or what is due'),
  ('ledger.rate_limit_buckets', '{procedure}', null),
  ('public.accounts', '{currency}', null),
  ('public.audit_log', '{action,actor_role,target_id,target_type}', null),
  ('public.audit_log', '{details,ip_address,user_agent}', 'hand edits of a person''s rows are blanked by profile_erase itself; the rest goes after audit_retention_days'),
  ('public.bulk_changes', '{new_status}', null),
  ('public.bulk_changes', '{actor_action,metadata}', 'about a list of orders; goes after bulk_change_retention_days'),
  ('public.bulk_change_orders', '{error_code,error_details,error_message,order_number,order_status,payment_status}', 'goes after bulk_change_retention_days'),
  ('public.card_bookings', '{event_id,kind,object_id}', null),
  ('public.card_events', '{currency,event_id,kind,object_id,payload,provider}', null),
  ('public.card_payments', '{currency,problem,provider,provider_payment_id,status}', null),
  ('public.event_texts', '{stream_type}', null),
  ('public.immutable_events', '{event_type,payload,stream_type}', 'what people wrote is in event_texts'),
  ('public.imported_order_claims', '{claimed_status}', null),
  ('public.import_rejects', '{code,field}', null),
  ('public.import_rows', '{state}', null),
  ('public.import_identities', '{kind}', null),
  ('public.import_runs', '{analysis,backfill,backfill_state,currency,kind,options,source_name,state,sums}',
   'about a file as a whole; the examples in analysis are of amounts'),
  ('public.alerts', '{details,rule_code,severity,status,subject}', 'about the shop''s own state, by numbers of orders and names of jobs and checks; what an error said goes after integrity_retention_days'),
  ('public.invoices', '{currency,kind,series,source,status}', null),
  ('public.old_flag_failures', '{problem}', 'what a failing write of the old system''s flags said, and no word of a person'),
  ('public.old_invoice_flags', '{status}', null),
  ('public.kpi_snapshots', '{details,metric}', null),
  ('public.reconciliation_runs', '{check_code,details,scope,status}', null),
  ('public.integrity_findings', '{check_code,expected,found,severity,subject}', 'ids, amounts, counters, statuses and numbers, and what an error of a check said; goes after integrity_retention_days'),
  ('public.reconciliation_actions', '{check_code,error_code,error_message,plan,repair,status,stream_type,undo}', 'amounts, counters and statuses of what was mended; the reason that somebody gave is in event_texts'),
  ('public.order_drafts', '{currency,discount_code,items,shipping_method}', null),
  ('public.order_items', '{product_name,product_sku,variant_name}', null),
  ('public.orders', '{currency,order_number,payment_method,payment_status,shipping_method,status}', null),
  ('public.payment_deadlines', '{status}', null),
  ('public.payments', '{currency,method,source,status}', null),
  ('public.payment_allocations', '{idempotency_key,method}', null),
  ('public.invoice_balance_cache', '{status_cached}', null),
  ('public.payment_receipts', '{currency,status}', null),
  ('public.postings', '{credit_account,currency,debit_account}', null),
  ('public.referral_commissions', '{currency}', null),
  ('public.refunds', '{currency,destination,payout_status}', null),
  ('public.returns', '{status}', null),
  ('public.shipments', '{status}', null),
  ('public.stock_reservations', '{status}', null),
  ('public.transactions', '{type}', null),
  ('public.vendor_earnings', '{currency}', null),
  ('public.withdrawals', '{currency,status}', null);

create temp view words as
  select n.nspname || '.' || c.relname as relation, a.attname::text as column_name
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  where n.nspname in ('public', 'ledger') and c.relkind in ('r', 'p') and not c.relispartition
    and a.atttypid in ('text'::regtype, 'varchar'::regtype, 'json'::regtype, 'jsonb'::regtype, 'bytea'::regtype)
    and c.oid <> all ('{public.event_seals,public.event_fingerprints}'::regclass[])
    and n.nspname || '.' || c.relname not in (select r.relation from reference r);

select is_empty($$ select relation, column_name from words
                   except select relation, column_name from ledger.personal_data()
                   except select i.relation, c from impersonal i, unnest(i.columns) c $$,
  'every column that can hold words is in the register, or is known to hold none of a person');
select is_empty($$ select i.relation, c from impersonal i, unnest(i.columns) c except select relation, column_name from words $$,
  'what is listed here is there');
select is_empty($$ select relation, column_name from ledger.personal_data() intersect select i.relation, c from impersonal i, unnest(i.columns) c $$,
  'no column is said to be both');
select is_empty($$ select relation, c.name from ledger.personal_data() d, unnest(array[d.column_name, d.owner_column]) c (name)
                   where not exists (select from pg_attribute a where a.attrelid = to_regclass(d.relation) and a.attname = c.name and not a.attisdropped) $$,
  'every column that the register names is there');
select is_empty($$ select relation from ledger.personal_data() group by relation
                   having count(distinct owner_column) > 1 or (bool_or(becomes = 'gone') and not bool_and(becomes = 'gone')) $$,
  'rows of a table go or change, and belong to one owner');
select lives_ok($$ do $do$ begin
    perform set_config('ledger.procedure', 'profile_erase', true);
    perform ledger.erase_personal_data(gen_random_uuid(), '{}');
    perform set_config('ledger.procedure', '', true);
  end $do$ $$, 'every expression of the register fits its column');
select * from finish();
rollback;
