/*
 * Invoices of an older system, which become free invoices under their old number. Fields: external_id,
 * customer, amount (with tax), issued_at; where they are known, invoice_number (else the external id),
 * tax_amount, due_at (else by the credit terms), currency, reference, notes, description (of its one
 * line), and status as the older system had computed it, which is compared and never trusted
 * (source 002, 16.1). Option beside those of every import: statuses ({text: unpaid, partial or paid}).
 */
create function ledger.import_invoices_analyze(p_run_id uuid)
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
      select ledger.read_invoice_row(w.row_number, w.data, v_run.options, v_run.currency, v_exponent)
      from public.import_rows w
      where w.run_id = p_run_id and w.row_number between v_chunk.first_row and v_chunk.last_row and w.state = 'staged'), p_find_customers => true);
  end loop;
  perform ledger.reject_duplicate_rows(p_run_id);
  perform ledger.reject_used_numbers(p_run_id);
  return jsonb_build_object(
    'amounts', ledger.import_amount_patterns(p_run_id),
    'statuses', (select coalesce(jsonb_object_agg(s.status, jsonb_build_object('rows', s.rows, 'amount', s.amount)), '{}')
                 from (select coalesce(w.parsed ->> 'status', 'none') as status, count(*) as rows, sum(w.amount) as amount
                       from public.import_rows w
                       where w.run_id = p_run_id and w.state = 'staged'
                       group by 1) s));
end $$;
comment on function ledger.import_invoices_analyze(uuid) is 'Analysis of staged invoices; see import_analyze.';
