/* A payment on its way from a staged row into the books. */
create type ledger.payment_to_import as (
  row_number bigint,
  external_id text,
  account_id uuid,
  amount bigint,
  method text,
  reference text,
  notes text,
  paid_at timestamptz,
  payment_id uuid,
  transaction_id uuid,
  event_id bigint,
  salt uuid,
  account_version bigint,
  balance_after bigint,
  debt_after bigint,
  unapplied_after bigint
);

/*
 * The next batch of payments, a statement for each table: payments that are unapplied to begin with, with
 * transaction, posting, debt movement and event, as ledger.capture_payment writes them one by one. The one
 * message is the run's (ledger.apply_import_batch).
 */
create function ledger.import_payments_apply(p_run_id uuid, p_limit integer)
returns ledger.import_batch
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run public.import_runs;
  v_row_numbers bigint[];
  v_batch ledger.import_batch;
  v_payments ledger.payment_to_import[];
begin
  select r.* into v_run from public.import_runs r where r.id = p_run_id;
  v_row_numbers := array(
    select w.row_number from public.import_rows w where w.run_id = p_run_id and w.state = 'staged' order by w.row_number limit p_limit);

  -- lock: accounts
  perform ledger.lock_accounts_of_rows(v_run, v_row_numbers);

  -- what cannot be any more, what is there already, what is too much
  v_batch.rejected_rows := ledger.reject_lost_customers(p_run_id, v_row_numbers) + ledger.reject_blanked_rows(p_run_id, v_row_numbers, 'paid_at');
  v_batch.skipped_rows := ledger.skip_imported_rows(p_run_id, 'payment', v_row_numbers);
  v_batch.rejected_rows := v_batch.rejected_rows + ledger.reject_imported_differently(p_run_id, 'payment', v_row_numbers)
    + ledger.reject_used_references(p_run_id, v_row_numbers) + ledger.reject_what_is_too_much(p_run_id, v_row_numbers, v_run.currency, false);

  -- write: the number of each row in its account, and what is unapplied after it
  v_payments := ledger.payments_to_import(v_run, v_row_numbers);
  v_batch.applied_rows := cardinality(v_payments);
  perform ledger.write_imported_payments(v_run, v_payments);
  perform ledger.record_imported_payments(v_run, v_payments);
  return v_batch;
end $$;
comment on function ledger.import_payments_apply(uuid, integer) is 'Applies the next staged payments of a locked import.';

create function ledger.payments_to_import(p_run public.import_runs, p_row_numbers bigint[])
returns ledger.payment_to_import[]
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(row(
           n.row_number, n.external_id, n.account_id, n.amount, n.parsed ->> 'method', n.parsed ->> 'reference', n.parsed ->> 'notes',
           (n.parsed ->> 'paid_at')::timestamptz, ledger.uuid_v7(), ledger.uuid_v7(), nextval('ledger.event_id_seq'), gen_random_uuid(),
           a.version + n.place, a.available_balance, coalesce(c.debt_amount, 0), coalesce(c.unapplied_amount, 0) + n.running
         )::ledger.payment_to_import order by n.row_number), '{}')
  from (select w.row_number, w.external_id, w.amount, w.parsed, ledger.account_id((w.parsed ->> 'user_id')::uuid, p_run.currency) as account_id,
               row_number() over by_account as place, sum(w.amount) over by_account as running
        from public.import_rows w
        where w.run_id = p_run.id and w.row_number = any (p_row_numbers) and w.state = 'staged'
        window by_account as (partition by w.parsed ->> 'user_id' order by w.row_number)) n
  join public.accounts a on a.id = n.account_id
  left join public.account_debt_cache c on c.account_id = n.account_id;
$$;
comment on function ledger.payments_to_import(public.import_runs, bigint[]) is
  'The payments that rows become, with the ids of their records; accounts are locked. Event ids rise with the row numbers as far as the plan reads them in order.';
