/*
 * What else stands between a staged row and the books when a batch is applied (imported_before.sql): its
 * customer or its data have gone since the analysis, or it is more than an account can hold. Each answers
 * how many rows it took out of the batch.
 */

/* A run that was left alone too long has rows of which only the amount is left. */
create function ledger.reject_blanked_rows(p_run_id uuid, p_row_numbers bigint[], p_field text)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  return ledger.reject_import_rows(p_run_id, array(
    select row(w.row_number, p_field, 'row_value_missing', null, null)::ledger.import_reject
    from public.import_rows w
    where w.run_id = p_run_id and w.row_number = any (p_row_numbers) and w.state = 'staged' and w.data = '{}'));
end $$;
comment on function ledger.reject_blanked_rows(uuid, bigint[], text) is 'Rejects rows that have no data any more.';

create function ledger.reject_lost_customers(p_run_id uuid, p_row_numbers bigint[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  return ledger.reject_import_rows(p_run_id, array(
    select row(w.row_number, 'customer', 'row_customer_not_found', w.parsed ->> 'customer', null)::ledger.import_reject
    from public.import_rows w
    left join public.profiles p on p.id = (w.parsed ->> 'user_id')::uuid and p.erased_at is null
    where w.run_id = p_run_id and w.row_number = any (p_row_numbers) and w.state = 'staged' and p.id is null));
end $$;
comment on function ledger.reject_lost_customers(uuid, bigint[]) is 'Rejects rows of customers who are not there any more.';

/* With the accounts locked: what their sums cannot hold, the rest of the batch with it. */
create function ledger.reject_what_is_too_much(p_run_id uuid, p_row_numbers bigint[], p_currency text, p_is_invoiced boolean)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  return ledger.reject_import_rows(p_run_id, array(
    select row(n.row_number, 'amount', 'row_amount_too_large', n.amount::text, null)::ledger.import_reject
    from (select w.row_number, w.amount, ledger.account_id((w.parsed ->> 'user_id')::uuid, p_currency) as account_id,
                 sum(w.amount) over (partition by w.parsed ->> 'user_id' order by w.row_number) as running
          from public.import_rows w
          where w.run_id = p_run_id and w.row_number = any (p_row_numbers) and w.state = 'staged') n
    left join public.account_debt_cache c on c.account_id = n.account_id
    where n.running + coalesce(case when p_is_invoiced then c.invoiced_amount else c.unapplied_amount end, 0) > 9007199254740991));
end $$;
comment on function ledger.reject_what_is_too_much(uuid, bigint[], text, boolean) is 'Rejects rows by which an account''s sums would grow beyond what is kept exactly.';

/* Lock step of a batch: the accounts of its customers, before any of its rows: profile_erase goes the same way. */
create function ledger.lock_accounts_of_rows(p_run public.import_runs, p_row_numbers bigint[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform ledger.lock_accounts(array(
    select distinct p.id
    from public.import_rows w
    join public.profiles p on p.id = w.user_id and p.erased_at is null
    where w.run_id = p_run.id and w.row_number = any (p_row_numbers) and w.state = 'staged'), p_run.currency);
end $$;
comment on function ledger.lock_accounts_of_rows(public.import_runs, bigint[]) is 'Locks, and opens, the accounts that the staged rows of a batch are about.';
