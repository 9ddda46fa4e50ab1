create type public.import_begin_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  run_id uuid, kind text, state text, currency text
);

/* Opens an import of one kind of rows, in one currency: options.currency, or the shop's. Source 002, E-A1. */
create function public.import_begin(
  p_kind text,
  p_source_name text,
  p_options jsonb default '{}',
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.import_begin_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb := jsonb_build_array(p_kind, p_source_name, p_options, p_actor_id);
  v_answer jsonb;
  v_run public.import_runs;
  v_result public.import_begin_result;
begin
  -- who may
  v_actor := ledger.actor_with(p_actor_id, 'imports.run');

  -- asked before
  v_answer := ledger.idempotency_begin('import_begin', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.import_begin_result, v_answer);
    return;
  end if;

  -- check
  v_run.currency := upper(coalesce(p_options ->> 'currency', ledger.setting_text('default_currency')));
  v_answer := coalesce(
    ledger.refuse_import_kind(p_kind),
    case
      when coalesce(length(p_source_name), 0) not between 1 and 200 then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_source_name', 'problem', '1 to 200 characters'))
      when not exists (select from public.currencies c where c.code = v_run.currency) then
        ledger.refuse('unknown_currency', jsonb_build_object('currency', v_run.currency,
          'known', (select string_agg(c.code, ', ' order by c.code) from public.currencies c)))
      else ledger.refuse_import_options(coalesce(p_options, '{}'))
    end);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.import_begin_result, v_answer);
    return;
  end if;

  -- write
  perform set_config('ledger.procedure', 'import_begin', true);
  insert into public.import_runs as r (kind, source_name, currency, options, created_by)
  values (p_kind, p_source_name, v_run.currency, coalesce(p_options, '{}'), v_actor.user_id)
  returning r.* into v_run;

  -- record
  perform ledger.record_operation('import.begun', 'import', v_run.id, null,
    jsonb_build_object('kind', v_run.kind, 'source_name', v_run.source_name, 'currency', v_run.currency), v_actor, ledger.correlation_id());

  -- answer, stored under the key
  v_result := row(true, null, null, null, null, v_run.id, v_run.kind, v_run.state, v_run.currency);
  v_answer := ledger.idempotency_end('import_begin', p_idempotency_key, v_actor.caller_id, v_request, null, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.import_begin(text, text, jsonb, text, uuid) from public, anon;
grant execute on function public.import_begin(text, text, jsonb, text, uuid) to authenticated, service_role;
comment on function public.import_begin(text, text, jsonb, text, uuid) is
  'Opens an import of p_kind (payments, invoices, orders, products, customers) from p_source_name. p_options: {"currency", "columns": {field: column name}, "decimal_separator": "." or ",", "date_format", ...}; what is not said is not guessed. Needs imports.run. Errors: unknown_import_kind, unknown_currency, invalid_argument, idempotency_conflict. Source 002, E-A1.';
