-- up to which seal the job has come in its present round
create sequence ledger.verified_seal_seq as bigint minvalue 0 start 0;
comment on sequence ledger.verified_seal_seq is 'Newest seal that ledger.verify_next_seals has looked at in its present round.';

/*
 * Verifies the next seals, round after round from the first to the newest, and alerts for each that does not hold.
 * It reads until its time is over and writes then, so that it does not hold back the sealer.
 */
create function ledger.verify_next_seals(p_for interval default '20 seconds')
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_newest bigint := (ledger.seal_before(null)).seal_number;
  v_from bigint := (select case when q.last_value < v_newest then q.last_value + 1 else 1 end from ledger.verified_seal_seq q);
  v_looked_at ledger.seal_problem[];
  v_to bigint;
  v_subject record;
  v_subjects text[] := array[]::text[];
begin
  -- look
  select coalesce(array_agg(v) filter (where v.problem is not null), '{}'), coalesce(max(v.seal_number), v_newest)
  into v_looked_at, v_to
  from ledger.verify_seals(v_from, null, null, clock_timestamp() + p_for) v;

  -- write: an alert for each of the first seals, and one for all others
  for v_subject in
    select s.subject, count(*) as problems, jsonb_agg(s.problem order by s.n) filter (where s.n <= 20) as first_problems
    from (select p.problem, row_number() over () as n,
                 case when p.seal_number is null then 'events without a seal' when dense_rank() over (order by p.seal_number) <= 20 then format('seal %s', p.seal_number)
                      else 'further seals' end as subject
          from unnest(v_looked_at) p) s
    group by s.subject
    order by s.subject
  loop
    v_subjects := v_subjects || v_subject.subject;
    perform ledger.raise_alert('seals_do_not_hold', v_subject.subject, v_subject.problems, jsonb_build_object('problems', coalesce(v_subject.first_problems, '[]')));
  end loop;
  -- what was not looked at in this run is as it was
  perform ledger.resolve_alerts('seals_do_not_hold', v_subjects || array(
    select a.subject from public.alerts a
    where a.rule_code = 'seals_do_not_hold' and a.status <> 'resolved'
      and case when a.subject ~ '^seal \d{1,18}$' then substr(a.subject, 6)::bigint not between v_from and v_to else v_from > 1 or v_to < v_newest end));
  perform setval('ledger.verified_seal_seq', v_to);
  return cardinality(v_looked_at);
end $$;
comment on function ledger.verify_next_seals(interval) is
  'Job: verifies the seals behind those of its last run for so long, then begins anew; raises seals_do_not_hold for what does not hold, and answers how many problems there are.';
