/* The figures of a debt, as every source of them answers them. */
create function ledger.debt_figures(p_invoiced bigint, p_allocated bigint, p_unapplied bigint)
returns jsonb
language sql immutable parallel safe
return jsonb_build_object('debt_amount', p_invoiced - p_allocated, 'invoiced_amount', p_invoiced, 'allocated_amount', p_allocated, 'unapplied_amount', p_unapplied);
comment on function ledger.debt_figures(bigint, bigint, bigint) is 'Debt, invoiced, allocated and unapplied amount as one object; minor units.';

create type public.account_debt_compare_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  user_id uuid, differences bigint, accounts jsonb
);

/*
 * The debt of a customer as each source has it, account by account: the cache, added up from
 * invoices and allocations, replayed from events alone, and by the old flags while those are kept. Minor units. Source 002 (2.4, 16.5).
 */
create function public.account_debt_compare(p_user_id uuid default null)
returns setof public.account_debt_compare_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor := ledger.current_actor();
  v_user_id uuid := coalesce(p_user_id, v_actor.user_id);
  v_is_dual boolean := (select f.state <> 'off' from public.feature_flags f where f.key = 'allocation_dual_write');
  v_accounts jsonb;
begin
  -- who may
  if v_user_id is null or (v_user_id is distinct from v_actor.user_id and not ledger.has_permission(v_actor, 'accounts.read'))
     or not exists (select from public.accounts a where a.user_id = v_user_id) then
    return next jsonb_populate_record(null::public.account_debt_compare_result,
      case when v_user_id is null then ledger.refuse('customer_required')
           else ledger.refuse('customer_not_found', jsonb_build_object('user_id', v_user_id)) end);
    return;
  end if;

  -- answer
  select jsonb_agg(jsonb_build_object(
           'account_id', a.id, 'currency', a.currency,
           'cached', f.cached, 'recomputed', f.recomputed, 'replayed', f.replayed, 'flagged', f.flagged,
           'is_read_from_cache', ledger.reads_debt_from_cache(a.id),
           'differs', f.cached <> f.recomputed or f.cached <> f.replayed or coalesce((f.cached -> 'debt_amount') <> f.flagged, false)) order by a.currency)
  into v_accounts
  from public.accounts a
  left join public.account_debt_cache c on c.account_id = a.id
  cross join lateral ledger.recomputed_debts(a.id) r
  cross join lateral ledger.replayed_debts(a.id) e
  cross join lateral (select
    ledger.debt_figures(coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0)) as cached,
    ledger.debt_figures(r.invoiced_amount, r.allocated_amount, r.unapplied_amount) as recomputed,
    ledger.debt_figures(e.invoiced_amount, e.allocated_amount, e.unapplied_amount) as replayed,
    case when v_is_dual then to_jsonb(
      coalesce((select sum(b.amount) from public.invoice_balance_cache b where b.account_id = a.id), 0)
      - coalesce((select sum(o.allocated_amount) from public.old_payment_flags o where o.account_id = a.id), 0)) end as flagged) f
  where a.user_id = v_user_id;
  return next row(true, null, null, null, null, v_user_id,
                  (select count(*) from jsonb_array_elements(v_accounts) n (account) where (n.account ->> 'differs')::boolean),
                  v_accounts)::public.account_debt_compare_result;
end $$;
revoke execute on function public.account_debt_compare(uuid) from public, anon;
grant execute on function public.account_debt_compare(uuid) to authenticated, service_role;
comment on function public.account_debt_compare(uuid) is
  'A customer''s debt from every source (minor units): accounts is an array of {account_id, currency, cached, recomputed, replayed, flagged, is_read_from_cache, differs}, one per currency; each of the first three is {debt_amount, invoiced_amount, allocated_amount, unapplied_amount}: of account_debt_cache, added up from invoices, allocations and payments, and replayed from events alone. flagged is the debt by the old flags alone, null while allocation_dual_write is off. differences counts the accounts that differ. For the customer, and for staff with accounts.read. Errors: customer_required, customer_not_found (also who has no account). Source 002.';
