create type public.account_statement_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  account_id uuid, currency text, from_at timestamptz, to_at timestamptz, opening jsonb, movements jsonb, closing jsonb, next_version bigint
);

/*
 * What happened on a customer's account in a time: the balances before it, every transaction that moved
 * wallet, debt or unapplied payments, with the balances after it, and the balances at its end. All of it
 * as of any past time, in the order of the account, a page at a time. Minor units. DESIGN section 7.
 */
create function public.account_statement(
  p_user_id uuid default null,
  p_from timestamptz default null,
  p_to timestamptz default null,
  p_currency text default null,
  p_limit integer default 100,
  p_after_version bigint default null)
returns setof public.account_statement_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_asked record;
  v_account public.accounts;
  v_refusal jsonb;
  v_first bigint;
  v_last bigint;
  v_limit integer := least(p_limit, 1000);
  v_before jsonb;
  v_movements jsonb;
  v_next bigint;
begin
  -- who may, and check
  select * into v_asked from ledger.account_asked_for(ledger.current_actor(), p_user_id, p_currency);
  v_account := v_asked.account;
  v_refusal := v_asked.refusal;
  v_refusal := coalesce(v_refusal, case
    when p_from > p_to then ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_from, p_to', 'problem', 'p_from is not after p_to'))
    when p_limit is null or p_limit < 1 then ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_limit', 'problem', '1 to 1000'))
    when p_after_version < 0 then ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_after_version', 'problem', 'next_version of the page before')) end);
  if v_refusal is not null then
    return next jsonb_populate_record(null::public.account_statement_result, v_refusal);
    return;
  end if;

  -- the versions between the two moments, then one page of those that moved something
  v_first := case when p_from is null then 0 else ledger.account_version_before(v_account.id, p_from) end;
  v_last := case when p_to is null then v_account.version else ledger.account_version_before(v_account.id, p_to) end;
  v_before := ledger.balances_at(v_account.id, greatest(v_first, p_after_version));
  select jsonb_agg(to_jsonb(t) - '{place,more}'::text[] order by t.account_version) filter (where t.place <= v_limit),
         max(t.account_version) filter (where t.place = v_limit and t.more > v_limit)
  into v_movements, v_next
  from (select p.*,
               (v_before ->> 'debt_balance')::bigint + sum(p.debt_change) over (order by p.account_version) as debt_balance,
               (v_before ->> 'unapplied_balance')::bigint + sum(p.unapplied_change) over (order by p.account_version) as unapplied_balance,
               row_number() over (order by p.account_version) as place,
               count(*) over () as more
        from ledger.moving_transactions(v_account.id, greatest(v_first, p_after_version), v_last, v_limit + 1) p) t;

  -- answer
  return next row(true, null, null, null, null, v_account.id, v_account.currency, p_from, p_to,
                  ledger.balances_at(v_account.id, v_first), coalesce(v_movements, '[]'), ledger.balances_at(v_account.id, v_last), v_next)
              ::public.account_statement_result;
end $$;
revoke execute on function public.account_statement(uuid, timestamptz, timestamptz, text, integer, bigint) from public, anon;
grant execute on function public.account_statement(uuid, timestamptz, timestamptz, text, integer, bigint) to authenticated, service_role;
comment on function public.account_statement(uuid, timestamptz, timestamptz, text, integer, bigint) is
  'Statement of a customer''s account from p_from (included; the beginning when null) to p_to (not included; now when null), in minor units of the currency (the shop''s when null). opening and closing are {account_version, wallet_balance, debt_balance, unapplied_balance}: what the account had before the first and after the last transaction of that time, of zeros before its first ever; they are those of the whole time, whatever the page. movements, in the order of the account, at most p_limit (1 to 1000): {account_version, at, type, transaction_id, order_id, reference_id, description, wallet_change, wallet_balance, debt_change, debt_balance, unapplied_change, unapplied_balance}; what moved none of them is left out. next_version is p_after_version of the next page, null on the last. debt is what invoices claim and no payment has, unapplied what payments have and no invoice. For the customer, and for staff with accounts.read. Errors: customer_required, customer_not_found, account_not_found, invalid_argument.';
