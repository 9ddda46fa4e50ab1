-- DESIGN section 2 (privileges) and section 3: the list of what each role may call is this file.
begin;
select plan(15);

create temp table listed (name text, definer boolean, roles text);
insert into listed values
  ('integrity_emergency_order_fix', true, 'authenticated, service_role'),
  ('integrity_check_drift', true, 'authenticated, service_role'),
  ('reconciliation_plan', true, 'authenticated, service_role'),
  ('reconciliation_apply', true, 'authenticated, service_role'),
  ('reconciliation_undo', true, 'authenticated, service_role'),
  ('ledger_set_flag', true, 'authenticated, service_role'),
  ('integrity_run', true, 'authenticated, service_role'),
  ('integrity_check_books', true, 'authenticated, service_role'),
  ('integrity_replay', true, 'authenticated, service_role'),
  ('integrity_verify_seals', true, 'authenticated, service_role'),
  ('integrity_checkpoint', true, 'authenticated, service_role'),
  ('import_abort', true, 'authenticated, service_role'),
  ('import_analyze', true, 'authenticated, service_role'),
  ('import_apply', true, 'authenticated, service_role'),
  ('import_backfill', true, 'authenticated, service_role'),
  ('import_begin', true, 'authenticated, service_role'),
  ('import_report', true, 'authenticated, service_role'),
  ('import_stage', true, 'authenticated, service_role'),
  ('ledger_adjust_stock', true, 'authenticated, service_role'),
  ('ledger_bulk_change_status', true, 'authenticated, service_role'),
  ('ledger_continue_bulk_change', true, 'authenticated, service_role'),
  ('ledger_cancel_order', true, 'authenticated, service_role'),
  ('ledger_cancel_withdrawal', true, 'authenticated, service_role'),
  ('ledger_change_order_status', true, 'authenticated, service_role'),
  ('ledger_confirm_delivery', true, 'authenticated, service_role'),
  ('ledger_confirm_payment', true, 'service_role'),
  ('ledger_match_card_payment', true, 'authenticated, service_role'),
  ('ledger_credit_account', true, 'authenticated, service_role'),
  ('ledger_delete_address', true, 'authenticated, service_role'),
  ('ledger_edit_order', true, 'authenticated, service_role'),
  ('ledger_freeze_account', true, 'authenticated, service_role'),
  ('ledger_extend_grace', true, 'authenticated, service_role'),
  ('ledger_set_credit_terms', true, 'authenticated, service_role'),
  ('invoice_document', true, 'authenticated, service_role'),
  ('ledger_change_invoice', true, 'authenticated, service_role'),
  ('ledger_credit_invoice', true, 'authenticated, service_role'),
  ('ledger_issue_invoice', true, 'authenticated, service_role'),
  ('ledger_void_invoice', true, 'authenticated, service_role'),
  ('ledger_acknowledge_alert', true, 'authenticated, service_role'),
  ('ledger_place_order', true, 'authenticated, service_role'),
  ('ledger_record_payment', true, 'authenticated, service_role'),
  ('ledger_release_payment', true, 'authenticated, service_role'),
  ('ledger_refund_order', true, 'authenticated, service_role'),
  ('ledger_register_referral', true, 'authenticated, service_role'),
  ('ledger_request_return', true, 'authenticated, service_role'),
  ('ledger_request_withdrawal', true, 'authenticated, service_role'),
  ('ledger_review_return', true, 'authenticated, service_role'),
  ('ledger_review_withdrawal', true, 'authenticated, service_role'),
  ('ledger_review_receipt', true, 'authenticated, service_role'),
  ('ledger_submit_receipt', true, 'authenticated, service_role'),
  ('ledger_pay_order_from_wallet', true, 'authenticated, service_role'),
  ('ledger_withdraw_receipt', true, 'authenticated, service_role'),
  ('ledger_save_address', true, 'authenticated, service_role'),
  ('ledger_set_order_status', true, 'authenticated, service_role'),
  ('ledger_void_payment', true, 'authenticated, service_role'),
  ('ledger_allocate_payment', true, 'authenticated, service_role'),
  ('ledger_auto_allocate_payment', true, 'authenticated, service_role'),
  ('ledger_reverse_allocation', true, 'authenticated, service_role'),
  ('invoice_recalculate', true, 'authenticated, service_role'),
  ('account_debt', true, 'authenticated, service_role'),
  ('account_debt_compare', true, 'authenticated, service_role'),
  ('account_statement', true, 'authenticated, service_role'),
  ('ledger_settle_refund', true, 'authenticated, service_role'),
  ('ledger_ship_order', true, 'authenticated, service_role'),
  ('ledger_spread_stock', true, 'authenticated, service_role'),
  ('order_release_reservation', true, 'authenticated, service_role'),
  ('order_reserve', true, 'authenticated, service_role'),
  ('my_permissions', true, 'authenticated, service_role'),
  ('order_draft_delete', true, 'authenticated, service_role'),
  ('order_draft_get', true, 'authenticated, service_role'),
  ('order_draft_place', true, 'authenticated, service_role'),
  ('order_draft_save', true, 'authenticated, service_role'),
  ('profile_erase', true, 'authenticated, service_role'),
  ('order_quote', true, 'anon, authenticated, service_role'),
  ('order_tracking', true, 'authenticated, service_role'),
  ('report_orders', true, 'authenticated, service_role'),
  ('report_integrity', true, 'authenticated, service_role'),
  ('report_trial_balance', true, 'authenticated, service_role'),
  ('report_vendor', true, 'authenticated, service_role'),
  ('vendor_order_lines', true, 'authenticated, service_role');

create temp view ours as
  select p.oid, p.oid::regprocedure::text as signature, n.nspname as schema, p.proname::text as name, p.prosecdef as definer, p.proconfig,
         p.prorettype, p.provolatile, p.proacl, p.prosqlbody is not null and l.lanname = 'sql' as parsed,
         (select string_agg(r, ', ' order by r) from unnest('{anon,authenticated,service_role}'::text[]) r
          where has_function_privilege(r, p.oid, 'execute')) as roles
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace
  join pg_language l on l.oid = p.prolang
  where n.nspname in ('public', 'ledger');

-- no member of an extension may hide an unlisted function: none is in these schemas
select is((select count(*)::int from ours o join pg_depend d on d.objid = o.oid and d.deptype = 'e'), 0,
  'no extension has put functions into public or ledger');

select set_eq('select name from ours where schema = ''public''', 'select name from listed',
  'the functions in public are the listed ones');
select is_empty('select name from ours where schema = ''public'' group by name having count(*) > 1',
  'no function in public is overloaded, which PostgREST cannot tell apart');
select bag_eq('select name, definer, roles from ours where schema = ''public''', 'select name, definer, roles from listed',
  'each function in public may be executed by the listed roles only, and runs as its owner only where listed');
select is_empty($$ select name from ours where exists (select from aclexplode(coalesce(proacl, acldefault('f', 10))) a where a.grantee = 0)
                   and (schema, name) not in (('ledger', 'first_user_seen'), ('ledger', 'last_user_seen')) $$,
  'no function in public or ledger is executable by PUBLIC, but the two that the view customer_orders asks as whoever reads, which tell of nobody but the reader');
select is_empty($$ select name from ours where schema = 'ledger' and roles is not null
                   and (name, roles) not in (('caller_may', 'authenticated'), ('may_follow', 'authenticated'), ('is_file_of_receipt', 'authenticated'), ('uuid_v7', 'service_role'), ('is_of_erased', 'authenticated, service_role'),
                     ('first_account_seen', 'authenticated'), ('last_account_seen', 'authenticated'),
                     ('first_user_seen', 'anon, authenticated, service_role'), ('last_user_seen', 'anon, authenticated, service_role')) $$,
  'no function in ledger is executable from outside, but what policies and views call as the reader, and uuid_v7, the default of catalogue ids');
-- the names in a parsed body were resolved when the function was created: no search_path leads them elsewhere
select is_empty($$ select signature from ours
                   where not coalesce(proconfig, '{}') @> '{"search_path=pg_catalog, pg_temp"}'::text[] and (definer or not parsed) $$,
  'every function in public and ledger has a search_path of its own, with temporary objects last, or is plain SQL parsed at its creation that runs as its caller');
select is_empty($$ select signature, c from ours, unnest(proconfig) c
                   where c not in ('search_path=pg_catalog, pg_temp', 'plan_cache_mode=force_generic_plan', 'enable_seqscan=off', 'jit=off') and c !~ '^(lock_timeout|work_mem)=' $$,
  'no function sets anything but its search_path, how it is planned and run, and how long it waits for a lock');
select is_empty($$ select signature from ours where schema = 'ledger' and definer
                   and name not in ('audit_hand_edit', 'create_profile', 'open_discount_usage', 'open_stock', 'broadcast_order_event', 'may_follow', 'is_file_of_receipt',
                     'caller_may', 'only_user_seen', 'first_user_seen', 'last_user_seen', 'first_account_seen', 'last_account_seen', 'is_of_erased') $$,
  'in ledger only triggers, what policies ask about the reader, and whether words are shown any more, run as their owner: helpers never lend rights');
select is_empty($$ select signature from ours where obj_description(oid, 'pg_proc') is null $$,
  'every function in public and ledger has a comment');
select is_empty($$ select signature from ours where pg_get_userbyid((select proowner from pg_proc where pg_proc.oid = ours.oid)) <> 'postgres' $$,
  'every function belongs to postgres');
select is_empty($$ select signature from ours where schema = 'public' and prorettype = 'trigger'::regtype $$,
  'no trigger function can be called over HTTP');

-- DESIGN rule 2: the four columns
select is_empty($$
    select o.name from ours o
    join pg_type t on t.oid = o.prorettype
    where o.schema = 'public' and o.name ~ '^(ledger_|reconciliation_|order_draft_|profile_erase$|order_(quote|reserve|release_reservation)$)'
      and not exists (select from pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0
                      having array_agg(a.attname || ' ' || format_type(a.atttypid, null) order by a.attnum)
                             @> '{success boolean,transaction_id uuid,error_code text,error_message text}') $$,
  'every procedure answers success, transaction_id, error_code and error_message (DESIGN rule 2)');
-- DESIGN rule 3: what creates or moves something takes a key
select is_empty($$ select signature from ours o where schema = 'public' and provolatile = 'v' and name not in ('import_stage', 'import_analyze', 'import_apply', 'import_backfill', 'import_abort', 'invoice_recalculate', 'integrity_check_drift', 'reconciliation_plan', 'ledger_delete_address', 'order_draft_delete', 'ledger_continue_bulk_change', 'ledger_confirm_payment', 'integrity_run')
                   and signature not in (select p.oid::regprocedure::text from pg_proc p where 'p_idempotency_key' = any (p.proargnames)) $$,
  'every procedure that creates or moves something takes p_idempotency_key (DESIGN rule 3)');
select is_empty($$ select signature from ours where schema = 'public' and name !~ '^(ledger_|import_|integrity_emergency_order_fix$|integrity_run$|integrity_check_drift$|reconciliation_|invoice_recalculate$|order_re(serve|lease_reservation)$|order_draft_(save|place|delete)$|profile_erase$)' and provolatile = 'v' $$,
  'what does not write is not VOLATILE, so that PostgREST runs it read-only');

select * from finish();
rollback;
