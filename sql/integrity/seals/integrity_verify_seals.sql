create type public.integrity_verify_seals_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  verified_from bigint, verified_to bigint, newest_seal bigint, is_complete boolean, event_count bigint, problem_count bigint, problems jsonb
);

/*
 * For auditors: recomputes seals over their events, and compares one with a hash kept elsewhere. A call looks at
 * seals for about four seconds, within the time a statement may take; the next one goes on behind verified_to.
 */
create function public.integrity_verify_seals(
  p_seal_number bigint default null, p_hash text default null,
  p_from_seal bigint default null, p_to_seal bigint default null, p_limit integer default null)
returns setof public.integrity_verify_seals_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_refusal jsonb;
  v_from bigint;
  v_result public.integrity_verify_seals_result;
begin
  -- who may
  perform ledger.require_permission(ledger.current_actor(), 'audit.read');

  -- check
  v_refusal := case
    when p_from_seal < 1 then ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_from_seal', 'problem', 'the number of a seal, from 1'))
    when p_to_seal < coalesce(p_from_seal, 1) then ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_to_seal', 'problem', 'not before p_from_seal'))
    when p_limit < 1 then ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_limit', 'problem', 'at least one seal'))
    when (p_seal_number is null) <> (p_hash is null) then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_hash', 'problem', 'given together with p_seal_number'))
  end;
  if v_refusal is not null then
    return next jsonb_populate_record(v_result, v_refusal);
    return;
  end if;

  -- answer
  v_from := least(coalesce(p_from_seal, 1), (ledger.seal_before(null)).seal_number + 1);
  v_result.newest_seal := (ledger.seal_before(null)).seal_number;
  v_result.verified_from := v_from;
  with looked_at as materialized (
    select v.seal_number, v.event_count, v.event_id, v.problem, row_number() over () as n
    from ledger.verify_seals(v_from, p_to_seal, p_limit, clock_timestamp() + interval '4 seconds') v),
  problems as (
    select l.seal_number, l.event_id, l.problem, l.n from looked_at l where l.problem is not null
    union all
    select p_seal_number, null, 'is not the seal whose hash was kept', 0
    from (select 1) one
    left join public.event_seals s on s.seal_number = p_seal_number
    where p_seal_number is not null and encode(s.hash, 'hex') is distinct from lower(p_hash))
  select coalesce(max(s.seal_number), v_from - 1), coalesce(sum(s.event_count), 0), (select count(*) from problems),
         (select coalesce(jsonb_agg(jsonb_build_object('seal_number', f.seal_number, 'event_id', f.event_id, 'problem', f.problem) order by f.n), '[]')
          from (select * from problems p order by p.n limit 1000) f)
  into v_result.verified_to, v_result.event_count, v_result.problem_count, v_result.problems
  from (select distinct l.seal_number, l.event_count from looked_at l where l.seal_number is not null) s;
  v_result.is_complete := v_result.verified_to >= least(coalesce(p_to_seal, v_result.newest_seal), v_result.newest_seal);
  v_result.success := true;
  return next v_result;
end $$;
revoke execute on function public.integrity_verify_seals(bigint, text, bigint, bigint, integer) from public, anon;
grant execute on function public.integrity_verify_seals(bigint, text, bigint, bigint, integer) to authenticated, service_role;
comment on function public.integrity_verify_seals(bigint, text, bigint, bigint, integer) is
  'Recomputes seals over immutable_events, from p_from_seal (null: the first) to p_to_seal (null: the newest), for about four seconds and at most p_limit seals, and answers how far it came: not is_complete means call again with p_from_seal = verified_to + 1. problems ([{"seal_number", "event_id", "problem"}], the first 1000 of problem_count) name the events that were changed, are missing or were inserted, and seals that do not hold; seal_number null is about events that no seal covers. With p_seal_number and p_hash (hex) of an events.sealed message it also says whether that seal is still the same. Needs audit.read. Errors: invalid_argument. DESIGN rule 7.';
