create type public.invoice_recalculate_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  difference_count bigint, repaired_accounts bigint, differences jsonb
);

/*
 * Adds every kept sum up anew, of one account or of all: what payments have allocated, what is left of
 * invoices, what accounts owe. Answers what differs; with p_repair mends it, account by account under
 * its lock. That anything differs needs somebody who went round the guards. Minor units. Source 002
 * (E-A3).
 */
create function public.invoice_recalculate(p_account_id uuid default null, p_repair boolean default false)
returns setof public.invoice_recalculate_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_account_id uuid;
  v_differences jsonb;
  v_found jsonb;
  v_count bigint;
  v_repaired bigint := 0;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(), case when p_repair then 'payments.allocate' else 'accounts.read' end);

  -- check
  if p_account_id is not null and not exists (select from public.accounts a where a.id = p_account_id) then
    return next jsonb_populate_record(null::public.invoice_recalculate_result,
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_account_id', 'problem', 'there is no such account')));
    return;
  end if;
  select count(*), jsonb_agg(to_jsonb(d) order by d.account_id, d.kind, d.subject_id) into v_count, v_differences
  from ledger.balance_differences(p_account_id) d;

  -- lock each account that differs, look again, write, record
  if p_repair then
    for v_account_id in
      select distinct (d.difference ->> 'account_id')::uuid from jsonb_array_elements(v_differences) d (difference) order by 1
    loop
      perform from public.accounts a where a.id = v_account_id for no key update;
      v_found := (select jsonb_agg(to_jsonb(d) order by d.kind, d.subject_id) from ledger.balance_differences(v_account_id) d);
      continue when v_found is null;
      perform set_config('ledger.procedure', 'invoice_recalculate', true);
      perform ledger.mend_balances(v_account_id);
      perform ledger.record_operation('balances.mended', 'account', v_account_id, v_account_id,
        jsonb_build_object('differences', v_found), v_actor, ledger.correlation_id());
      perform set_config('ledger.procedure', '', true);
      v_repaired := v_repaired + 1;
    end loop;
  end if;

  -- answer; of very many the first thousand are enough to know
  return next row(true, null, null, null, null, v_count, v_repaired,
                  (select coalesce(jsonb_agg(d.difference order by d.ordinality), '[]')
                   from jsonb_array_elements(v_differences) with ordinality d (difference) where d.ordinality <= 1000))
              ::public.invoice_recalculate_result;
end $$;
revoke execute on function public.invoice_recalculate(uuid, boolean) from public, anon;
grant execute on function public.invoice_recalculate(uuid, boolean) to authenticated, service_role;
comment on function public.invoice_recalculate(uuid, boolean) is
  'Compares all kept sums of an account, or of all accounts, with the rows they are sums of. differences is an array of at most 1000 {account_id, kind, subject_id, cached, recomputed}, kind payment, invoice or account, amounts in minor units; difference_count counts all. With p_repair the sums are mended (repaired_accounts), and an event balances.mended says what they were. Needs accounts.read, for a repair payments.allocate. Errors: invalid_argument (no such account). Source 002.';
