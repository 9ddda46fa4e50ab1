/* The parts of report_integrity about what was checked, found, alerted of and repaired. */

create function ledger.last_runs()
returns setof public.reconciliation_runs
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select r.*
    from (values (1, 'books', 'all'), (2, 'books', 'changed'), (3, 'debt_cache', 'all'), (4, 'old_flags', 'all')) k (position, check_code, scope)
    cross join lateral (
      select n.* from public.reconciliation_runs n
      where n.check_code = k.check_code and n.scope = k.scope
        -- a run of some checks says nothing of the others
        and (n.check_code <> 'books' or n.horizon is not null)
        and n.started_at <= clock_timestamp() + interval '5 minutes'
      order by n.started_at desc, n.id desc limit 1) r
    order by k.position;
end $$;
comment on function ledger.last_runs() is 'The last run of each kind: of the books, of all and of what had changed, and of the drift checks.';

create function ledger.runs_of_report()
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
             'run_id', r.id, 'check_code', r.check_code, 'scope', r.scope, 'status', r.status, 'findings', r.findings,
             'accounts', r.accounts, 'differing_accounts', r.differing_accounts, 'diff_abs', r.diff_abs, 'diff_ratio_ppm', r.diff_ratio_ppm,
             'limit_ppm', r.limit_ppm, 'started_at', r.started_at, 'ended_at', r.created_at) order by r.number), '[]')
    from ledger.last_runs() with ordinality r (id, check_code, status, accounts, differing_accounts, expected_amount, diff_abs, diff_ratio_ppm,
                                               limit_ppm, details, started_at, created_at, scope, findings, horizon, number));
end $$;
comment on function ledger.runs_of_report() is 'The last runs, for report_integrity.';

/*
 * One subject counts once, however many runs found it. Of a check of which one run found a thousand and more
 * not every row is kept: it counts as that run says, until the next run of everything.
 */
create function ledger.findings_by_check()
returns table (check_code text, severity text, findings bigint, found_at timestamptz)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set work_mem = '32MB'
as $$
declare
  v_large jsonb := coalesce((
    select jsonb_object_agg(l.code, jsonb_build_array(l.severity, l.findings, l.found_at))
    from (select c.code, c.severity, max((r.details -> 'by_check' ->> c.code)::bigint) as findings, max(r.created_at) as found_at
          from ledger.cleared_checks c
          join public.reconciliation_runs r on r.check_code = 'books' and r.findings >= 1000 and (r.started_at, r.id) >= (c.started_at, c.run_id)
                                               and r.started_at <= clock_timestamp() + interval '5 minutes'
          where r.details -> 'by_check' ? c.code
          group by c.code, c.severity) l
    where l.findings >= 1000), '{}');
begin
  return query
    select l.key, l.value ->> 0, (l.value ->> 1)::bigint, (l.value ->> 2)::timestamptz from jsonb_each(v_large) l
    union all
    -- of two severities the worse, which is the first by name as well
    select s.check_code, min(s.severity), count(*), max(s.found_at)
    from (select f.check_code, f.subject, min(f.severity collate "C") as severity, max(f.created_at) as found_at
          from ledger.present_findings f
          where f.check_code <> all (array(select jsonb_object_keys(v_large)))
          group by f.check_code, f.subject) s
    group by s.check_code;
end $$;
comment on function ledger.findings_by_check() is 'What offends the books as far as runs know, by check.';

create function ledger.findings_of_report()
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
             'check_code', f.check_code, 'severity', f.severity, 'findings', f.findings, 'found_at', f.found_at, 'proves', c.proves, 'repair', c.repair)
             order by array_position('{critical,error,warning}', f.severity), f.check_code), '[]')
    from ledger.findings_by_check() f
    left join public.integrity_checks c on c.code = f.check_code);
end $$;
comment on function ledger.findings_of_report() is 'What offends the books as far as runs know, by check, the worst first.';

create function ledger.alerts_of_report()
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select jsonb_build_object(
      'open', count(*) filter (where a.status = 'open'), 'acknowledged', count(*) filter (where a.status = 'acknowledged'),
      'newest', coalesce(jsonb_agg(jsonb_build_object(
        'alert_id', a.id, 'rule', a.rule_code, 'severity', a.severity, 'subject', a.subject, 'status', a.status, 'value', a.value,
        'limit_value', a.limit_value, 'raised_at', a.raised_at, 'last_seen_at', a.last_seen_at) order by a.number) filter (where a.number <= 50), '[]'))
    from (select s.*, row_number() over (order by s.raised_at desc, s.id desc) as number from public.alerts s where s.status <> 'resolved') a);
end $$;
comment on function ledger.alerts_of_report() is 'How many alerts are not resolved, and the newest 50 of them.';

create function ledger.repairs_of_report()
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select jsonb_build_object(
      'planned', count(*) filter (where a.status = 'planned'), 'applied', count(*) filter (where a.status = 'applied'),
      'failed', count(*) filter (where a.status = 'failed'), 'stale', count(*) filter (where a.status = 'stale'),
      'undone', count(*) filter (where a.status = 'undone'), 'superseded', count(*) filter (where a.status = 'superseded'),
      'last_applied_at', max(a.applied_at))
    from public.reconciliation_actions a);
end $$;
comment on function ledger.repairs_of_report() is 'Repairs by status.';
