/* An invoice on its way from a staged row into the books. */
create type ledger.invoice_to_import as (
  row_number bigint,
  external_id text,
  account_id uuid,
  user_id uuid,
  amount bigint,
  tax_amount bigint,
  invoice_number text,
  issued_at timestamptz,
  due_at timestamptz,
  reference text,
  notes text,
  description text,
  invoice_id uuid,
  transaction_id uuid,
  event_id bigint,
  salt uuid,
  account_version bigint,
  balance_after bigint,
  debt_after bigint,
  unapplied_after bigint
);

/*
 * The next batch of invoices, a statement for each table: free invoices in no series, with balance,
 * transaction, postings, debt movement and event, as ledger.write_invoice writes them one by one. The one
 * message is the run's (ledger.apply_import_batch).
 */
create function ledger.import_invoices_apply(p_run_id uuid, p_limit integer)
returns ledger.import_batch
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run public.import_runs;
  v_row_numbers bigint[];
  v_batch ledger.import_batch;
  v_invoices ledger.invoice_to_import[];
begin
  select r.* into v_run from public.import_runs r where r.id = p_run_id;
  v_row_numbers := array(
    select w.row_number from public.import_rows w where w.run_id = p_run_id and w.state = 'staged' order by w.row_number limit p_limit);

  -- lock: accounts
  perform ledger.lock_accounts_of_rows(v_run, v_row_numbers);

  -- what cannot be any more, what is there already, what is too much
  v_batch.rejected_rows := ledger.reject_lost_customers(p_run_id, v_row_numbers) + ledger.reject_blanked_rows(p_run_id, v_row_numbers, 'issued_at');
  v_batch.skipped_rows := ledger.skip_imported_rows(p_run_id, 'invoice', v_row_numbers);
  v_batch.rejected_rows := v_batch.rejected_rows + ledger.reject_imported_differently(p_run_id, 'invoice', v_row_numbers)
    + ledger.reject_used_numbers(p_run_id, v_row_numbers) + ledger.reject_what_is_too_much(p_run_id, v_row_numbers, v_run.currency, true);

  -- write and record
  v_invoices := ledger.invoices_to_import(v_run, v_row_numbers);
  v_batch.applied_rows := cardinality(v_invoices);
  perform ledger.write_imported_invoices(v_run, v_invoices);
  perform ledger.book_imported_invoices(v_run, v_invoices);
  perform ledger.record_imported_invoices(v_run, v_invoices);
  return v_batch;
end $$;
comment on function ledger.import_invoices_apply(uuid, integer) is 'Applies the next staged invoices of a locked import.';

create function ledger.invoices_to_import(p_run public.import_runs, p_row_numbers bigint[])
returns ledger.invoice_to_import[]
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(row(
           n.row_number, n.external_id, a.id, a.user_id, n.amount, coalesce((n.parsed ->> 'tax_amount')::bigint, 0), n.parsed ->> 'invoice_number',
           n.issued_at, coalesce((n.parsed ->> 'due_at')::timestamptz, n.issued_at + make_interval(days => ledger.due_days_of(a.id))),
           n.parsed ->> 'reference', n.parsed ->> 'notes',
           coalesce(n.parsed ->> 'description', 'Invoice ' || (n.parsed ->> 'invoice_number')),
           ledger.uuid_v7(), ledger.uuid_v7(), nextval('ledger.event_id_seq'), gen_random_uuid(),
           a.version + n.place, a.available_balance, coalesce(c.debt_amount, 0) + n.running, coalesce(c.unapplied_amount, 0)
         )::ledger.invoice_to_import order by n.row_number), '{}')
  from (select w.row_number, w.external_id, w.amount, w.parsed, (w.parsed ->> 'issued_at')::timestamptz as issued_at,
               ledger.account_id((w.parsed ->> 'user_id')::uuid, p_run.currency) as account_id,
               row_number() over by_account as place, sum(w.amount) over by_account as running
        from public.import_rows w
        where w.run_id = p_run.id and w.row_number = any (p_row_numbers) and w.state = 'staged'
        window by_account as (partition by w.parsed ->> 'user_id' order by w.row_number)) n
  join public.accounts a on a.id = n.account_id
  left join public.account_debt_cache c on c.account_id = n.account_id;
$$;
comment on function ledger.invoices_to_import(public.import_runs, bigint[]) is 'The invoices that rows become, with the ids of their records; accounts are locked.';
