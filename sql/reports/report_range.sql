/* The weeks that a report is about. */
create type ledger.report_range as (
  refusal jsonb,
  from_at timestamptz,
  to_at timestamptz,
  first_id uuid,
  last_id uuid
);
comment on type ledger.report_range is
  'From a moment to before another, and the bounds of what was made meanwhile among time-ordered ids, an hour wider; or the refusal.';

/* A report reads everything in its range, so the range has an end. */
create function ledger.range_of_report(p_from timestamptz, p_to timestamptz)
returns ledger.report_range
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_range ledger.report_range;
begin
  v_range.refusal := case
    when not isfinite(p_from) or not isfinite(p_to) or extract(year from p_from) not between 1970 and 9999
      or extract(year from p_to) not between 1970 and 9999 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_from, p_to', 'problem', 'moments from 1970 to 9999'))
  end;
  if v_range.refusal is not null then
    return v_range;
  end if;
  v_range.to_at := coalesce(p_to, clock_timestamp());
  v_range.from_at := coalesce(p_from, v_range.to_at - interval '30 days');
  if v_range.from_at >= v_range.to_at or v_range.to_at - v_range.from_at > interval '366 days' then
    v_range.refusal := ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_from, p_to',
      'problem', 'p_from is before p_to, and at most 366 days'));
  end if;
  v_range.first_id := ledger.first_id_at(v_range.from_at, '-1 hour');
  v_range.last_id := ledger.first_id_at(v_range.to_at, '1 hour');
  return v_range;
end $$;
comment on function ledger.range_of_report(timestamptz, timestamptz) is
  'The range of a report: until now when p_to is null, of 30 days when p_from is null; at most 366 days.';
