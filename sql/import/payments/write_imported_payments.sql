create function ledger.write_imported_payments(p_run public.import_runs, p_payments ledger.payment_to_import[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.accounts a set version = n.version, updated_at = clock_timestamp()
  from (select p.account_id, max(p.account_version) as version from unnest(p_payments) p group by p.account_id) n
  where a.id = n.account_id;
  insert into public.payments
    (id, account_id, currency, method, amount, applied_amount, credit_amount, reference, notes, recorded_by, source, external_id, paid_at)
  select p.payment_id, p.account_id, p_run.currency, p.method, p.amount, 0, 0, p.reference, p.notes, p_run.applied_by, 'import', p.external_id, p.paid_at
  from unnest(p_payments) p;
  insert into public.transactions
    (id, account_id, account_version, type, amount, balance_after, reference_id, actor_id, actor_action, metadata, correlation_id)
  select p.transaction_id, p.account_id, p.account_version, 'payment_imported', 0, p.balance_after, p.payment_id, p_run.applied_by,
         'payment imported', jsonb_build_object('import_run_id', p_run.id), p_run.id
  from unnest(p_payments) p;
  insert into public.postings (account_id, transaction_id, leg_number, debit_account, credit_account, amount, currency)
  select p.account_id, p.transaction_id, 1, 'bank', 'unapplied_payments', p.amount, p_run.currency
  from unnest(p_payments) p;

  -- the debt: only what is unapplied rises
  insert into public.account_debt_cache as c (account_id, unapplied_amount, version)
  select p.account_id, sum(p.amount), count(*) from unnest(p_payments) p group by p.account_id
  on conflict (account_id) do update set
    unapplied_amount = c.unapplied_amount + excluded.unapplied_amount,
    version = c.version + excluded.version,
    updated_at = clock_timestamp();
  insert into public.debt_movements
    (account_id, account_version, transaction_id, invoiced_change, allocated_change, unapplied_change, debt_after, unapplied_after)
  select p.account_id, p.account_version, p.transaction_id, 0, 0, p.amount, p.debt_after, p.unapplied_after
  from unnest(p_payments) p;
end $$;
comment on function ledger.write_imported_payments(public.import_runs, ledger.payment_to_import[]) is
  'Writes imported payments with account versions, transactions, postings and debt.';

create function ledger.record_imported_payments(p_run public.import_runs, p_payments ledger.payment_to_import[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.event_texts (event_id, account_id, stream_type, texts, salt)
  select p.event_id, p.account_id, 'payment', jsonb_strip_nulls(jsonb_build_object('reference', p.reference, 'notes', p.notes)), p.salt
  from unnest(p_payments) p
  where coalesce(p.reference, p.notes) is not null;
  insert into public.immutable_events (id, event_type, stream_type, stream_id, account_id, payload, actor_id, correlation_id)
  select p.event_id, 'payment.imported', 'payment', p.payment_id, p.account_id,
         jsonb_build_object(
           'transaction_id', p.transaction_id, 'transaction_type', 'payment_imported', 'account_version', p.account_version, 'amount', 0,
           'effect', '{}'::jsonb, 'debt_effect', jsonb_build_object('unapplied', p.amount), 'payment_id', p.payment_id, 'currency', p_run.currency,
           'method', p.method, 'source', 'import', 'payment_amount', p.amount, 'applied_amount', 0, 'credit_amount', 0,
           'external_id', p.external_id, 'paid_at', p.paid_at, 'imported', true, 'import_run_id', p_run.id)
         || case when t.texts is null then '{}' else jsonb_build_object('texts_digest', ledger.texts_digest(t.texts, p.salt)) end,
         p_run.applied_by, p_run.id
  from unnest(p_payments) p
  left join public.event_texts t on t.event_id = p.event_id
  order by p.event_id;
  insert into public.import_identities (kind, external_id, target_id, run_id)
  select 'payment', p.external_id, p.payment_id, p_run.id from unnest(p_payments) p;
  update public.import_rows w set state = 'applied', target_id = p.payment_id
  from unnest(p_payments) p
  where w.run_id = p_run.id and w.row_number = p.row_number;
end $$;
comment on function ledger.record_imported_payments(public.import_runs, ledger.payment_to_import[]) is
  'Writes the events of imported payments, what they are called in the older system, and what became of their rows.';
