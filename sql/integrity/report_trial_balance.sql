/* Debits and credits per account of the chart; per currency they are equal because every posting has both. */
create function public.report_trial_balance()
returns table (currency text, chart_account text, name text, debit_amount bigint, credit_amount bigint, balance_amount bigint)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform ledger.require_permission(ledger.current_actor(), 'accounts.read');
  return query
    select s.currency, c.code, c.name, sum(s.debit)::bigint, sum(s.credit)::bigint,
           (case c.normal_side when 'debit' then 1 else -1 end * sum(s.debit - s.credit))::bigint
    from (select p.currency, p.debit_account as code, p.amount as debit, 0::bigint as credit from public.postings p
          union all
          select p.currency, p.credit_account, 0, p.amount from public.postings p) s
    join public.chart_accounts c on c.code = s.code
    group by s.currency, c.code, c.name, c.normal_side
    order by s.currency, c.code;
end $$;
revoke execute on function public.report_trial_balance() from public, anon;
grant execute on function public.report_trial_balance() to authenticated, service_role;
comment on function public.report_trial_balance() is
  'Trial balance per currency and chart account in minor units; balance_amount is positive on the account''s normal side. Needs accounts.read.';
