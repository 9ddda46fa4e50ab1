/*
 * Payments of an older system. Fields: external_id, customer, amount, paid_at; where they are known,
 * currency, method, reference, notes, and what the older system said of their use: is_allocated
 * (all or nothing) and invoice. Options beside those of every import: method (of rows that say none:
 * bank_transfer), methods ({text: method}).
 */
create function ledger.import_payments_analyze(p_run_id uuid)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run public.import_runs;
  v_exponent integer;
  v_chunk record;
begin
  select r.* into v_run from public.import_runs r where r.id = p_run_id;
  select c.exponent into v_exponent from public.currencies c where c.code = v_run.currency;
  for v_chunk in select c.first_row, c.last_row from ledger.import_chunks(p_run_id) c loop
    perform ledger.keep_import_readings(p_run_id, array(
      select ledger.read_payment_row(w.row_number, w.data, v_run.options, v_run.currency, v_exponent)
      from public.import_rows w
      where w.run_id = p_run_id and w.row_number between v_chunk.first_row and v_chunk.last_row and w.state = 'staged'), p_find_customers => true);
  end loop;
  perform ledger.reject_duplicate_rows(p_run_id);
  perform ledger.reject_used_references(p_run_id);
  return jsonb_build_object(
    'amounts', ledger.import_amount_patterns(p_run_id),
    'possible_duplicates', ledger.possible_duplicate_payments(p_run_id),
    'flagged_allocated', (select jsonb_build_object('rows', count(*), 'amount', coalesce(sum(w.amount), 0))
                          from public.import_rows w
                          where w.run_id = p_run_id and w.state = 'staged' and w.parsed ->> 'is_allocated' = 'true'));
end $$;
comment on function ledger.import_payments_analyze(uuid) is 'Analysis of staged payments; see import_analyze.';
