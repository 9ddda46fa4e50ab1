/* What a run looks at; a run of what has changed without a run before it, or after a restore into another cluster, looks at everything. */
create function ledger.scope_of_run(p_scope text, p_account_id uuid, p_horizon bigint)
returns ledger.integrity_scope
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_last_horizon bigint := (
    select r.horizon from public.reconciliation_runs r
    where r.check_code = 'books' and r.horizon is not null
      -- a clock that was once ahead must not keep later runs from being the last
      and r.started_at <= clock_timestamp() + interval '5 minutes'
    order by r.started_at desc, r.id desc limit 1);
begin
  return case
    when p_scope = 'account' then
      row('account', array[p_account_id], array(select o.id from public.orders o join public.accounts a on a.id = o.account_id and a.user_id = o.user_id
                                                where a.id = p_account_id), '{}'::uuid[], array[p_account_id], '{}'::uuid[], null)::ledger.integrity_scope
    when p_scope = 'changed' and v_last_horizon <= p_horizon then ledger.changed_since(v_last_horizon)
    else row('all', null, null, null, null, null, null)::ledger.integrity_scope
  end;
end $$;
comment on function ledger.scope_of_run(text, uuid, bigint) is 'What a run looks at: all, changed since the last run that looked at all or at changes, or one account.';

/* What differences are a part of. */
create function ledger.booked_amount(p_scope ledger.integrity_scope)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_scope.kind = 'all' then
    return (select coalesce(sum(p.amount), 0) from public.postings p);
  end if;
  return (
    select coalesce(sum(p.amount), 0)
    from public.transactions t
    -- one by one: a join might be planned as a scan of all postings
    cross join lateral (select n.amount from public.postings n where n.transaction_id = t.id offset 0) p
    where t.account_id = any (p_scope.account_ids));
end $$;
comment on function ledger.booked_amount(ledger.integrity_scope) is 'The money that was booked in a scope, in minor units of all currencies.';

/*
 * Runs checks and keeps what they found. Takes no lock: traffic beside it waits for nothing, and two runs
 * at once do the same twice.
 */
create function ledger.run_checks(p_codes text[] default null, p_scope text default 'all', p_account_id uuid default null)
returns public.reconciliation_runs
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_phase text := current_setting('ledger.procedure', true);
  v_run public.reconciliation_runs;
  v_scope ledger.integrity_scope;
begin
  v_run.id := ledger.uuid_v7();
  v_run.started_at := clock_timestamp();
  v_run.horizon := (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint;
  v_scope := ledger.scope_of_run(p_scope, p_account_id, v_run.horizon);
  perform set_config('ledger.procedure', 'ledger.run_checks', true);

  with found as materialized (
    select f.*, row_number() over (partition by f.check_code order by f.subject) as number
    from ledger.findings(p_codes, v_scope) f),
  counted as (
    select f.check_code, f.severity, count(*) as findings, sum(abs(f.diff_amount)) as diff from found f where f.check_code is not null group by f.check_code, f.severity),
  volume as (select ledger.booked_amount(v_scope) as amount),
  written as (
    insert into public.reconciliation_runs
      (id, check_code, status, accounts, differing_accounts, expected_amount, diff_abs, diff_ratio_ppm, limit_ppm, details, started_at, scope, findings, horizon)
    select v_run.id, 'books',
           case when t.findings = 0 then 'OK' when t.is_serious then 'FAIL' else 'WARN' end,
           case v_scope.kind when 'all' then (select count(*) from public.accounts) else cardinality(v_scope.touched_account_ids) end,
           t.accounts, v.amount, t.diff,
           case when t.diff = 0 then 0 when v.amount = 0 then 1000000 else least(ceil(t.diff * 1000000.0 / v.amount), 9007199254740991) end,
           0,
           jsonb_build_object(
             'codes', to_jsonb(p_codes),
             -- what this run clears: the findings of a check that could not be run stay
             'asked', case when v_scope.kind = 'all' then (
               select coalesce(jsonb_agg(c.code order by c.code), '[]') || case when p_codes is null then '["check_can_be_run"]'::jsonb else '[]' end
               from public.integrity_checks c
               where case when p_codes is null then c.enabled or c.code = 'every_check_is_on' else c.code = any (p_codes) end
                 and not exists (select from found f where f.check_code = 'check_can_be_run' and f.subject = c.code)) end,
             'account_id', p_account_id, 'orders', cardinality(v_scope.order_ids), 'variants', cardinality(v_scope.touched_variant_ids),
             'long_accounts', cardinality(v_scope.touched_account_ids) - cardinality(v_scope.account_ids),
             'long_variants', cardinality(v_scope.touched_variant_ids) - cardinality(v_scope.variant_ids),
             'by_check', coalesce((select jsonb_object_agg(c.check_code, c.findings) from counted c), '{}'),
             'milliseconds', coalesce((select jsonb_object_agg(m.family, m.milliseconds) from (select f.family, sum(f.milliseconds) as milliseconds from found f where f.check_code is null group by f.family) m), '{}')),
           v_run.started_at, v_scope.kind, t.findings,
           -- only a run of everything that is checked moves the horizon; what a check could not see has to be looked at again
           case when p_codes is null and v_scope.kind <> 'account'
                 and not exists (select from found f where f.check_code = 'check_can_be_run' and f.family <> 'own') then v_run.horizon end
    from volume v
    cross join (
      select coalesce(sum(c.findings), 0)::bigint as findings, least(coalesce(sum(c.diff), 0), 9007199254740991)::bigint as diff,
             coalesce(bool_or(c.severity <> 'warning'), false) as is_serious,
             (select count(distinct f.account_id) from found f where f.check_code is not null) as accounts
      from counted c) t
    returning *),
  kept as (
    insert into public.integrity_findings (run_id, check_code, severity, subject, account_id, expected, found, diff_amount)
    select v_run.id, f.check_code, f.severity, f.subject, f.account_id, f.expected, f.found, f.diff_amount
    from found f
    where f.check_code is not null and f.number <= 1000)
  select w.* into v_run from written w;
  perform set_config('ledger.procedure', coalesce(v_phase, ''), true);
  return v_run;
end $$;
comment on function ledger.run_checks(text[], text, uuid) is 'Runs checks (null: all enabled) in the scope all, changed or account, keeps the run and its findings, and answers the run.';
