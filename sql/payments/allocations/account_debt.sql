create type public.account_debt_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  account_id uuid, currency text, debt_amount bigint, invoiced_amount bigint, allocated_amount bigint, unapplied_amount bigint, is_cached boolean
);

/*
 * The account that a question is about: the customer's in a currency, open or refused. A customer who
 * does not exist and one that the caller may not see read the same.
 */
create function ledger.account_asked_for(p_actor ledger.actor, p_user_id uuid, p_currency text, out account public.accounts, out refusal jsonb)
returns record
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := coalesce(p_user_id, p_actor.user_id);
  v_currency text := upper(coalesce(p_currency, ledger.setting_text('default_currency')));
begin
  if v_user_id is null then
    refusal := ledger.refuse('customer_required');
    return;
  end if;
  if v_user_id is distinct from p_actor.user_id and not ledger.has_permission(p_actor, 'accounts.read') then
    refusal := ledger.refuse('customer_not_found', jsonb_build_object('user_id', v_user_id));
    return;
  end if;
  select a.* into account from public.accounts a where a.id = ledger.account_id(v_user_id, v_currency);
  if account.id is null then
    refusal := case when exists (select from public.profiles p where p.id = v_user_id) or exists (select from public.accounts a where a.user_id = v_user_id)
                    then ledger.refuse('account_not_found', jsonb_build_object('currency', v_currency))
                    else ledger.refuse('customer_not_found', jsonb_build_object('user_id', v_user_id)) end;
  end if;
end $$;
comment on function ledger.account_asked_for(ledger.actor, uuid, text) is
  'A customer''s account in a currency, for the customer and for who has accounts.read; otherwise the refusal.';

/*
 * What a customer owes by invoices in one currency, and what came in and is not used yet. Read from the
 * cache, one row, or added up anew, as allocation_read_switch says for the account. Minor units.
 * Source 002 (I5, E-A3, E-B1).
 */
create function public.account_debt(p_user_id uuid default null, p_currency text default null)
returns setof public.account_debt_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_asked record;
  v_account public.accounts;
  v_refusal jsonb;
  v_is_cached boolean;
  v_debt record;
begin
  -- who may
  select * into v_asked from ledger.account_asked_for(ledger.current_actor(), p_user_id, p_currency);
  v_account := v_asked.account;
  v_refusal := v_asked.refusal;
  if v_refusal is not null then
    return next jsonb_populate_record(null::public.account_debt_result, v_refusal);
    return;
  end if;

  -- answer; an account that never had an invoice owes nothing by invoices, and that is an answer
  v_is_cached := ledger.reads_debt_from_cache(v_account.id);
  if v_is_cached then
    select c.invoiced_amount, c.allocated_amount, c.unapplied_amount into v_debt from public.account_debt_cache c where c.account_id = v_account.id;
  else
    select r.invoiced_amount, r.allocated_amount, r.unapplied_amount into v_debt from ledger.recomputed_debts(v_account.id) r;
  end if;
  return next row(true, null, null, null, null, v_account.id, v_account.currency,
                  coalesce(v_debt.invoiced_amount - v_debt.allocated_amount, 0), coalesce(v_debt.invoiced_amount, 0),
                  coalesce(v_debt.allocated_amount, 0), coalesce(v_debt.unapplied_amount, 0), v_is_cached)::public.account_debt_result;
end $$;
revoke execute on function public.account_debt(uuid, text) from public, anon;
grant execute on function public.account_debt(uuid, text) to authenticated, service_role;
comment on function public.account_debt(uuid, text) is
  'What a customer owes by invoices (minor units of the currency; the shop''s when p_currency is left out): debt_amount = invoiced_amount - allocated_amount; unapplied_amount is money of payments that no invoice has yet, and is not taken off. is_cached: read from account_debt_cache, else recomputed, as the flag allocation_read_switch says. For the customer, and for staff with accounts.read; anybody else''s reads as not found. Errors: customer_required, customer_not_found, account_not_found. Source 002.';
