/*
 * The debt of every account from its cache, beside what invoices and allocations say; and beside the old
 * flags while those are kept. Writes one run each, and switches off what has drifted past its limit in
 * two runs in a row. One statement reads both sides, so traffic beside it makes no difference.
 */

/* Accounts of which two sides differ, for one check. */
create type ledger.drift as (account_id uuid, currency text, expected bigint, found bigint, differs_elsewhere boolean);
comment on type ledger.drift is 'What an account owes by its allocations, and what the side in question says; differs_elsewhere: in a flag or a remainder.';

/* Each account with invoices or payments: its debt recomputed, and by account_debt_cache. */
create function ledger.drift_of_cache()
returns setof ledger.drift
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with stale as (
    select b.account_id
    from public.invoice_balance_cache b
    left join (select l.invoice_id, sum(l.allocated_amount) as amount from public.payment_allocations l group by l.invoice_id) l using (invoice_id)
    where b.allocated_total <> coalesce(l.amount, 0)
    group by b.account_id)
  select a.id, a.currency, coalesce(r.invoiced_amount - r.allocated_amount, 0), coalesce(c.debt_amount, 0),
         coalesce(c.unapplied_amount, 0) <> coalesce(r.unapplied_amount, 0) or s.account_id is not null
  from ledger.recomputed_debts() r
  full join public.account_debt_cache c on c.account_id = r.account_id
  join public.accounts a on a.id = coalesce(r.account_id, c.account_id)
  left join stale s on s.account_id = a.id;
$$;
comment on function ledger.drift_of_cache() is 'Debt of each account by invoices and allocations, beside account_debt_cache.';

/* The same beside the old flags. */
create function ledger.drift_of_old_flags()
returns setof ledger.drift
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with claimed as (
    select b.account_id, sum(b.amount) as amount from public.invoice_balance_cache b group by b.account_id),
  allocated as (
    select l.account_id, sum(l.allocated_amount) as amount from public.payment_allocations l group by l.account_id),
  flagged as (
    select f.account_id, sum(f.allocated_amount) as amount from public.old_payment_flags f group by f.account_id),
  stale as (
    select b.account_id
    from public.invoice_balance_cache b
    left join public.old_invoice_flags f on f.invoice_id = b.invoice_id
    where (f.account_id, f.amount, f.paid_amount, f.status) is distinct from (b.account_id, b.amount, b.allocated_total, b.status_cached)
    union
    select p.account_id
    from public.payments p
    left join public.old_payment_flags f on f.payment_id = p.id
    where (p.allocated_amount, p.account_id) <> (coalesce(f.allocated_amount, 0), coalesce(f.account_id, p.account_id))
    union
    -- a flag that names an invoice names the one that has it all
    select f.account_id
    from public.old_payment_flags f
    where f.invoice_id is not null
      and f.allocated_amount is distinct from (select sum(l.allocated_amount) from public.payment_allocations l
                                               where l.payment_id = f.payment_id and l.invoice_id = f.invoice_id))
  select a.id, a.currency, coalesce(c.amount, 0) - coalesce(l.amount, 0), coalesce(c.amount, 0) - coalesce(f.amount, 0), s.account_id is not null
  from public.accounts a
  left join claimed c on c.account_id = a.id
  left join allocated l on l.account_id = a.id
  left join flagged f on f.account_id = a.id
  left join stale s on s.account_id = a.id
  where c.account_id is not null or f.account_id is not null;
$$;
comment on function ledger.drift_of_old_flags() is 'Debt of each account by invoices and allocations, beside the old flags.';

/* Judges what a comparison found and keeps it as a run. */
create function ledger.write_drift_run(p_check_code text, p_drifts ledger.drift[], p_accounts bigint, p_by_currency jsonb, p_started_at timestamptz,
                                       p_expected bigint, p_details jsonb default '{}')
returns public.reconciliation_runs
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run public.reconciliation_runs;
begin
  v_run.check_code := p_check_code;
  v_run.accounts := p_accounts;
  v_run.differing_accounts := coalesce(cardinality(p_drifts), 0);
  v_run.expected_amount := p_expected;
  v_run.diff_abs := coalesce((select sum(abs(d.found - d.expected)) from unnest(p_drifts) d), 0);
  v_run.diff_ratio_ppm := case when v_run.diff_abs = 0 then 0 when p_expected = 0 then 1000000
                               else least(ceil(v_run.diff_abs * 1000000.0 / p_expected), 9007199254740991) end;
  v_run.limit_ppm := (select r.limit_value from public.alert_rules r where r.code = 'debt_drift_ppm_limit');
  insert into public.reconciliation_runs
    (check_code, status, accounts, differing_accounts, expected_amount, diff_abs, diff_ratio_ppm, limit_ppm, details, started_at)
  values
    (p_check_code,
     case when v_run.differing_accounts = 0 then 'OK' when v_run.diff_ratio_ppm > v_run.limit_ppm then 'FAIL' else 'WARN' end,
     v_run.accounts, v_run.differing_accounts, v_run.expected_amount, v_run.diff_abs, v_run.diff_ratio_ppm, v_run.limit_ppm,
     p_details || jsonb_build_object('by_currency', p_by_currency, 'first', coalesce(
       (select jsonb_agg(jsonb_build_object('account_id', d.account_id, 'currency', d.currency, 'expected', d.expected, 'found', d.found) order by d.ordinality)
        from unnest(p_drifts) with ordinality d (account_id, currency, expected, found, differs_elsewhere, ordinality) where d.ordinality <= 20), '[]')),
     p_started_at)
  returning * into v_run;
  return v_run;
end $$;
comment on function ledger.write_drift_run(text, ledger.drift[], bigint, jsonb, timestamptz, bigint, jsonb) is 'Keeps what a drift check found as a run, with its first 20 accounts.';

create function ledger.check_debt_drift()
returns setof public.reconciliation_runs
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_phase text := current_setting('ledger.procedure', true);
  v_started_at timestamptz := clock_timestamp();
  v_dual_write text;
  v_check text;
  v_drifts ledger.drift[];
  v_accounts bigint;
  v_expected bigint;
  v_by_currency jsonb;
  v_run public.reconciliation_runs;
begin
  -- one run at a time, so that "in a row" means something
  perform pg_advisory_xact_lock(hashtextextended('check debt drift', 0));
  perform set_config('ledger.procedure', 'ledger.check_debt_drift', true);
  -- held: flags that stop being kept while they are compared would read as drift
  select f.state into v_dual_write from public.feature_flags f where f.key = 'allocation_dual_write' for share;
  foreach v_check in array case v_dual_write when 'off' then array['debt_cache'] else array['debt_cache', 'old_flags'] end loop
    with compared as materialized (
      select d.* from ledger.drift_of_cache() d where v_check = 'debt_cache'
      union all
      select d.* from ledger.drift_of_old_flags() d where v_check = 'old_flags'),
    summed as (
      select c.currency, count(*) as accounts, sum(c.expected) as expected, sum(abs(c.found - c.expected)) as diff from compared c group by c.currency)
    select (select array_agg(row(c.account_id, c.currency, c.expected, c.found, c.differs_elsewhere)::ledger.drift
                             order by abs(c.found - c.expected) desc, c.account_id)
            from compared c where c.found <> c.expected or c.differs_elsewhere),
           coalesce(sum(s.accounts), 0), coalesce(sum(s.expected), 0),
           coalesce(jsonb_object_agg(s.currency, jsonb_build_object('accounts', s.accounts, 'expected', s.expected, 'diff', s.diff)), '{}')
    into v_drifts, v_accounts, v_expected, v_by_currency
    from summed s;
    v_run := ledger.write_drift_run(v_check, v_drifts, v_accounts, v_by_currency, v_started_at, v_expected,
                                    case v_check when 'old_flags' then ledger.dual_write_figures() else '{}' end);
    perform ledger.switch_off_what_drifted(v_run);
    return next v_run;
  end loop;
  perform set_config('ledger.procedure', coalesce(v_phase, ''), true);
end $$;
comment on function ledger.check_debt_drift() is
  'Compares the debt of every account with its cache and, while they are kept, with the old flags; writes the runs and answers them. The hourly job.';

/* How many flags were to be written since the last run, and how many could not. */
create function ledger.dual_write_figures()
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_since timestamptz := coalesce((select r.created_at from public.reconciliation_runs r where r.check_code = 'old_flags' order by r.id desc limit 1), '-infinity');
  v_failures bigint := (select count(*) from public.old_flag_failures f where f.created_at > v_since);
  v_writes bigint := (select count(*) from public.old_invoice_flags f where f.updated_at > v_since);
begin
  return jsonb_build_object('writes', v_writes + v_failures, 'failures', v_failures);
end $$;
comment on function ledger.dual_write_figures() is
  '{"writes", "failures"} of old flags since the last run of their check; several writes of one invoice count as one, so the share of failures is never taken for smaller than it is.';

/*
 * Rollback criteria (source 002, section 13 and 16.8): reading goes back to recomputing, or dual writing
 * ends, when two runs in a row were beyond the limit; dual writing also when too many of its writes fail.
 */
create function ledger.switch_off_what_drifted(p_run public.reconciliation_runs)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_key text := case p_run.check_code when 'debt_cache' then 'allocation_read_switch' else 'allocation_dual_write' end;
  v_writes bigint := (p_run.details ->> 'writes')::bigint;
  v_failures bigint := (p_run.details ->> 'failures')::bigint;
  v_reason text;
begin
  v_reason := case
    when v_failures * 100 > v_writes * ledger.setting_text('dual_write_failure_percent')::bigint then
      format('%s of %s writes failed', v_failures, v_writes)
    when p_run.status = 'FAIL' and 'FAIL' = (
      select r.status from public.reconciliation_runs r
      where r.check_code = p_run.check_code and r.id < p_run.id order by r.id desc limit 1) then
      format('drift of %s ppm in the second run beyond %s ppm', p_run.diff_ratio_ppm, p_run.limit_ppm)
  end;
  if v_reason is not null then
    perform ledger.change_flag(v_key, 'off', 0, v_reason, null, p_run.id);
  end if;
end $$;
comment on function ledger.switch_off_what_drifted(public.reconciliation_runs) is 'Switches the flag off that a run and the one before it speak against.';

create type public.integrity_check_drift_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb, runs jsonb
);

/* The same on demand. */
create function public.integrity_check_drift()
returns setof public.integrity_check_drift_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform ledger.require_permission(ledger.current_actor(), 'audit.read');
  return query select true, null::uuid, null::text, null::text, null::jsonb,
                      (select jsonb_agg(to_jsonb(r) order by r.id) from ledger.check_debt_drift() r);
end $$;
revoke execute on function public.integrity_check_drift() from public, anon;
grant execute on function public.integrity_check_drift() to authenticated, service_role;
comment on function public.integrity_check_drift() is
  'Runs the hourly drift check now and answers its runs (rows of reconciliation_runs): debt_cache, and old_flags while allocation_dual_write is not off. Two runs in a row beyond debt_drift_ppm_limit switch the flag off that they speak against. Needs audit.read. Source 002, E-A5.';
