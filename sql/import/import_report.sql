/* What the rows of each state amount to: the sum of the file, to the minor unit. */
create function ledger.import_sums(p_run_id uuid)
returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_object_agg(s.state, s.amount) || jsonb_build_object('rows_without_amount', sum(s.unreadable), 'total', sum(s.amount))
  from (select w.state, coalesce(sum(w.amount), 0) as amount, count(*) filter (where w.amount is null) as unreadable
        from public.import_rows w
        where w.run_id = p_run_id
        group by w.state) s;
$$;
comment on function ledger.import_sums(uuid) is 'Sums of a run''s rows by their state, in minor units, and how many rows have no amount that can be read.';

create function ledger.import_reject_summary(p_run_id uuid)
returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_agg(jsonb_build_object('code', j.code, 'field', j.field, 'rows', j.rows, 'examples', j.examples)
                            order by j.rows desc, j.code, j.field), '[]')
  from (select r.code, r.field, count(*) as rows,
               to_jsonb((array_agg(jsonb_build_object('row', r.row_number, 'value', left(r.value, 100), 'message', r.message)
                                   order by r.row_number))[1:3]) as examples
        from public.import_rejects r
        where r.run_id = p_run_id
        group by r.code, r.field) j;
$$;
comment on function ledger.import_reject_summary(uuid) is 'Rejects of a run by code and field, with three examples of each.';

create function ledger.live_synthetic(p_run_id uuid)
returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('live_allocations', count(*) filter (where r.id is null),
                            'live_amount', coalesce(sum(a.allocated_amount) filter (where r.id is null), 0),
                            'reversed_allocations', count(r.id))
  from public.payment_allocations a
  left join public.payment_allocations r on r.reverses_allocation_id = a.id
  where a.import_run_id = p_run_id and a.synthetic and a.reverses_allocation_id is null;
$$;
comment on function ledger.live_synthetic(uuid) is 'What is live of the synthetic allocations of a run now, and what was reversed; minor units.';

create type public.import_report_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  run_id uuid, kind text, source_name text, currency text, state text, staged_rows bigint, applied_rows bigint, skipped_rows bigint,
  rejected_rows bigint, sums jsonb, rejects jsonb, analysis jsonb, backfill jsonb,
  created_at timestamptz, analyzed_at timestamptz, applied_at timestamptz, aborted_at timestamptz
);

/* All that is known of an import. The rejected rows themselves are in import_rejects. */
create function public.import_report(p_run_id uuid)
returns setof public.import_report_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run public.import_runs;
begin
  -- who may
  perform ledger.actor_with(null, 'imports.run');
  select r.* into v_run from public.import_runs r where r.id = p_run_id;
  if v_run.id is null then
    return next jsonb_populate_record(null::public.import_report_result,
      ledger.refuse('import_not_found', jsonb_build_object('run_id', p_run_id)));
    return;
  end if;

  -- answer
  return next row(true, null, null, null, null, v_run.id, v_run.kind, v_run.source_name, v_run.currency, v_run.state, v_run.staged_rows,
                  v_run.applied_rows, v_run.skipped_rows, v_run.rejected_rows, coalesce(ledger.import_sums(p_run_id), '{}'),
                  ledger.import_reject_summary(p_run_id), v_run.analysis,
                  case when v_run.backfill_state is not null then
                    v_run.backfill || jsonb_build_object('state', v_run.backfill_state) || ledger.live_synthetic(p_run_id) end,
                  v_run.created_at, v_run.analyzed_at, v_run.applied_at, v_run.aborted_at)::public.import_report_result;
end $$;
revoke execute on function public.import_report(uuid) from public, anon;
grant execute on function public.import_report(uuid) to authenticated, service_role;
comment on function public.import_report(uuid) is
  'An import: counts of rows, sums by state in minor units ({"applied", "skipped", "rejected", "staged", "total", "rows_without_amount"}), rejects by code with examples, the analysis (without the examples of import_analyze), and for a backfill what it allocated and which old statuses disagree (see import_backfill), with what is live of it now. Needs imports.run. Errors: import_not_found. Source 002, E-A1 and 16.5.';
