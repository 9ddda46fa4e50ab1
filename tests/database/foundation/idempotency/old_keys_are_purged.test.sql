-- Keys and answers are kept for the setting idempotency_retention_days, and then a job removes them.
begin;
select plan(10);
select tests.create_customer('ann');
select tests.expect_success(c) from unnest('{old,young}'::text[]) k, public.ledger_credit_account(tests.get_supabase_uid('ann'), 10, p_idempotency_key => k) c;
select tests.tamper($$ update ledger.idempotency_keys set created_at = created_at - case key when 'old' then interval '30 days 1 minute' else interval '29 days 23 hours' end $$);
select is(ledger.purge_idempotency_keys(), 1::bigint, 'one key is older than 30 days');
select results_eq($$ select key from ledger.idempotency_keys where key in ('old', 'young') $$, $$ values ('young') $$, 'the younger one stays');
select is(tests.outcome_as('service_role', format('select * from public.ledger_credit_account(%L, 10, p_idempotency_key => ''young'')', tests.get_supabase_uid('ann'))), 'success', 'and is still answered');
select is((select total_earned from public.accounts where user_id = tests.get_supabase_uid('ann')), 20::bigint, 'without a second effect');
update public.settings set value = '1' where key = 'idempotency_retention_days';
select is(ledger.purge_idempotency_keys(), 1::bigint, 'a shorter retention takes it as well');
select is(ledger.purge_idempotency_keys(), 0::bigint, 'then there is nothing left to purge');
select tests.expect_success(c) from public.ledger_credit_account(tests.get_supabase_uid('ann'), 10, p_idempotency_key => 'new') c;
-- without its key a retry would act a second time
select is(tests.outcome_as('postgres', statement), '42501', format('%s of keys by hand is refused', kind)) from (values
  ('update', 'update ledger.idempotency_keys set answer = ''{}'''), ('delete', 'delete from ledger.idempotency_keys'), ('truncate', 'truncate ledger.idempotency_keys')) v (kind, statement);
select is((select count(*)::int from ledger.book_differences()), 0, 'the books are in order');
select * from finish();
rollback;
