/* Whether something was done with an imported payment or invoice since: then it stays when its import is aborted. */
create function ledger.rests_something_on(p_kind text, p_target_id uuid)
returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select exists (
      select from public.payments p
      where p_kind = 'payment' and p.id = p_target_id and p.applied_amount + p.credit_amount + p.allocated_amount + p.charged_back_amount > 0)
    or exists (
      select from public.invoice_balance_cache b where p_kind = 'invoice' and b.invoice_id = p_target_id and b.allocated_total > 0)
    or exists (
      select from public.invoices n where p_kind = 'invoice' and n.credits_invoice_id = p_target_id);
$$;
comment on function ledger.rests_something_on(text, uuid) is 'Whether an imported payment or invoice was used, allocated, paid or credited.';

/*
 * Voids one of them unless it is touched by now; answers whether it did. The caller has locked the account and
 * may import, which includes taking back what was imported.
 */
create function ledger.void_untouched(p_kind text, p_account_id uuid, p_target_id uuid, p_reason text, p_actor ledger.actor)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_locked ledger.locked_payment;
  v_invoice public.invoices;
begin
  if ledger.rests_something_on(p_kind, p_target_id) then
    return false;
  elsif p_kind = 'payment' then
    -- untouched, it pays no order: no lock before the account's is needed
    select a into v_locked.account from public.accounts a where a.id = p_account_id;
    select p into v_locked.payment
    from public.payments p
    where p.account_id = p_account_id and p.id = p_target_id and p.status = 'captured'
    for no key update;
    if (v_locked.payment).id is null then
      return false;
    end if;
    v_locked.order_ids := '{}';
    perform ledger.void_payment(v_locked, p_reason, p_actor, ledger.correlation_id());
    return true;
  end if;
  select i.* into v_invoice
  from public.invoices i
  where i.account_id = p_account_id and i.id = p_target_id and i.status = 'issued'
  for no key update;
  if v_invoice.id is null or ledger.refuse_voiding(v_invoice) is not null then
    return false;
  end if;
  perform ledger.void_invoice(v_invoice, p_reason, p_actor, ledger.correlation_id());
  return true;
end $$;
comment on function ledger.void_untouched(text, uuid, uuid, text, ledger.actor) is 'Voids an imported payment or invoice that nothing rests on; answers whether it did.';

/* The next of them, account by account; what was voided can be imported again, so its name is forgotten. */
create function ledger.void_imported(p_run public.import_runs, p_limit integer, p_actor ledger.actor, p_reason text,
  out voided_rows bigint, out kept_rows bigint, out is_done boolean)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_kind text := case p_run.kind when 'payments' then 'payment' else 'invoice' end;
  v_target record;
  v_seen integer := 0;
begin
  voided_rows := 0;
  for v_target in
    select i.external_id, i.target_id, t.account_id
    from public.import_identities i
    cross join lateral ledger.imported_target(v_kind, i.target_id) t
    where i.run_id = p_run.id and i.kind = v_kind and t.status in ('captured', 'issued') and not ledger.rests_something_on(v_kind, i.target_id)
    order by t.account_id, i.target_id
    limit p_limit
  loop
    v_seen := v_seen + 1;
    perform from public.accounts a where a.id = v_target.account_id for no key update;
    if ledger.void_untouched(v_kind, v_target.account_id, v_target.target_id, p_reason, p_actor) then
      delete from public.import_identities i where i.kind = v_kind and i.external_id = v_target.external_id;
      voided_rows := voided_rows + 1;
    end if;
  end loop;
  is_done := v_seen < p_limit;
  kept_rows := case when is_done then (
    select count(*)
    from public.import_identities i
    cross join lateral ledger.imported_target(v_kind, i.target_id) t
    where i.run_id = p_run.id and i.kind = v_kind and t.status in ('captured', 'issued')) else 0 end;
end $$;
comment on function ledger.void_imported(public.import_runs, integer, ledger.actor, text) is
  'Voids imported payments or invoices of an aborted run, p_limit at a time; answers how many, how many stay (at the end), and whether that was all.';
