/*
 * What stands between a staged row and the books when a batch is applied: it was imported before, its
 * customer has gone since the analysis, or it is more than an account can hold. Each answers how many
 * rows it took out of the batch.
 */
create function ledger.imported_target(p_kind text, p_target_id uuid, out amount bigint, out account_id uuid, out status text)
returns record
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select p.amount, p.account_id, p.status from public.payments p where p_kind = 'payment' and p.id = p_target_id
  union all
  select i.total_amount, i.account_id, i.status from public.invoices i where p_kind = 'invoice' and i.id = p_target_id;
$$;
comment on function ledger.imported_target(text, uuid) is 'Amount (minor units), account and status of an imported payment or invoice.';

/* Same name, amount and account: imported before, and nothing to do. */
create function ledger.skip_imported_rows(p_run_id uuid, p_kind text, p_row_numbers bigint[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count integer;
begin
  update public.import_rows w set state = 'skipped', target_id = i.target_id
  from public.import_runs r, public.import_identities i
  cross join lateral ledger.imported_target(p_kind, i.target_id) t
  where w.run_id = p_run_id and w.row_number = any (p_row_numbers) and w.state = 'staged' and r.id = p_run_id
    and i.kind = p_kind and i.external_id = w.external_id
    and t.amount = w.amount and t.account_id = ledger.account_id((w.parsed ->> 'user_id')::uuid, r.currency)
    and t.status in ('captured', 'issued');
  get diagnostics v_count = row_count;
  return v_count;
end $$;
comment on function ledger.skip_imported_rows(uuid, text, bigint[]) is 'Skips rows that were imported before as they are.';

create function ledger.reject_imported_differently(p_run_id uuid, p_kind text, p_row_numbers bigint[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  return ledger.reject_import_rows(p_run_id, array(
    select case when t.status in ('captured', 'issued') then
      row(w.row_number, 'external_id', 'row_differs_from_imported', w.external_id, jsonb_build_object(
        'imported', ledger.format_money(t.amount, r.currency) || case when t.account_id <> n.account_id then ' of somebody else' else '' end,
        'found', ledger.format_money(w.amount, r.currency)))::ledger.import_reject
      else row(w.row_number, 'external_id', 'row_imported_before', w.external_id, jsonb_build_object('status', t.status))::ledger.import_reject end
    from public.import_rows w
    join public.import_runs r on r.id = w.run_id
    join public.import_identities i on i.kind = p_kind and i.external_id = w.external_id
    cross join lateral ledger.imported_target(p_kind, i.target_id) t
    cross join lateral ledger.account_id((w.parsed ->> 'user_id')::uuid, r.currency) n (account_id)
    where w.run_id = p_run_id and w.row_number = any (p_row_numbers) and w.state = 'staged'));
end $$;
comment on function ledger.reject_imported_differently(uuid, text, bigint[]) is 'Rejects rows whose external id was imported before as something else, or is void by now.';

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
