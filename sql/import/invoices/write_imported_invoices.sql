create function ledger.write_imported_invoices(p_run public.import_runs, p_invoices ledger.invoice_to_import[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.invoices
    (id, account_id, user_id, currency, invoice_number, issued_at, due_at, prices_include_tax, subtotal_amount, tax_amount, total_amount,
     customer_name, reference, notes, source, external_id, issued_by)
  select i.invoice_id, i.account_id, i.user_id, p_run.currency, i.invoice_number, i.issued_at, i.due_at, false, i.amount - i.tax_amount,
         i.tax_amount, i.amount, p.display_name, i.reference, i.notes, 'import', i.external_id, p_run.applied_by
  from unnest(p_invoices) i
  left join public.profiles p on p.id = i.user_id;
  insert into public.invoice_lines
    (invoice_id, line_number, account_id, description, quantity, unit_price_amount, total_price_amount, tax_amount)
  select i.invoice_id, 1, i.account_id, i.description, 1, i.amount - i.tax_amount, i.amount - i.tax_amount, i.tax_amount
  from unnest(p_invoices) i;
  insert into public.invoice_balance_cache (invoice_id, account_id, amount)
  select i.invoice_id, i.account_id, i.amount from unnest(p_invoices) i;
end $$;
comment on function ledger.write_imported_invoices(public.import_runs, ledger.invoice_to_import[]) is 'Writes imported invoices with a line and the balance of each.';

create function ledger.book_imported_invoices(p_run public.import_runs, p_invoices ledger.invoice_to_import[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.accounts a set version = n.version, updated_at = clock_timestamp()
  from (select i.account_id, max(i.account_version) as version from unnest(p_invoices) i group by i.account_id) n
  where a.id = n.account_id;
  insert into public.transactions
    (id, account_id, account_version, type, amount, balance_after, reference_id, actor_id, actor_action, metadata, correlation_id)
  select i.transaction_id, i.account_id, i.account_version, 'invoice_issued', 0, i.balance_after, i.invoice_id, p_run.applied_by,
         'invoice imported', jsonb_build_object('import_run_id', p_run.id), p_run.id
  from unnest(p_invoices) i;
  insert into public.postings (account_id, transaction_id, leg_number, debit_account, credit_account, amount, currency)
  select i.account_id, i.transaction_id, l.leg_number, 'receivable', l.credit_account, l.amount, p_run.currency
  from unnest(p_invoices) i
  cross join lateral (values (1, 'revenue', i.amount - i.tax_amount), (2, 'tax_payable', i.tax_amount)) l (leg_number, credit_account, amount)
  where l.amount > 0;

  -- the debt: what is claimed rises
  insert into public.account_debt_cache as c (account_id, invoiced_amount, version)
  select i.account_id, sum(i.amount), count(*) from unnest(p_invoices) i group by i.account_id
  on conflict (account_id) do update set
    invoiced_amount = c.invoiced_amount + excluded.invoiced_amount,
    version = c.version + excluded.version,
    updated_at = clock_timestamp();
  insert into public.debt_movements
    (account_id, account_version, transaction_id, invoiced_change, allocated_change, unapplied_change, debt_after, unapplied_after)
  select i.account_id, i.account_version, i.transaction_id, i.amount, 0, 0, i.debt_after, i.unapplied_after
  from unnest(p_invoices) i;
end $$;
comment on function ledger.book_imported_invoices(public.import_runs, ledger.invoice_to_import[]) is
  'Books imported invoices: account versions, transactions, receivable against revenue and tax, debt.';

create function ledger.record_imported_invoices(p_run public.import_runs, p_invoices ledger.invoice_to_import[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.event_texts (event_id, account_id, stream_type, texts, salt)
  select i.event_id, i.account_id, 'invoice', jsonb_strip_nulls(jsonb_build_object('reference', i.reference, 'notes', i.notes)), i.salt
  from unnest(p_invoices) i
  where coalesce(i.reference, i.notes) is not null;
  insert into public.immutable_events (id, event_type, stream_type, stream_id, account_id, payload, actor_id, correlation_id)
  select i.event_id, 'invoice.issued', 'invoice', i.invoice_id, i.account_id,
         jsonb_build_object(
           'transaction_id', i.transaction_id, 'transaction_type', 'invoice_issued', 'account_version', i.account_version, 'amount', 0,
           'effect', '{}'::jsonb, 'debt_effect', jsonb_build_object('invoiced', i.amount))
         || ledger.invoice_facts(v)
         || jsonb_build_object('source', 'import', 'external_id', i.external_id, 'imported', true, 'import_run_id', p_run.id)
         || case when t.texts is null then '{}' else jsonb_build_object('texts_digest', ledger.texts_digest(t.texts, i.salt)) end,
         p_run.applied_by, p_run.id
  from unnest(p_invoices) i
  join public.invoices v on v.id = i.invoice_id
  left join public.event_texts t on t.event_id = i.event_id
  order by i.event_id;
  insert into public.import_identities (kind, external_id, target_id, run_id)
  select 'invoice', i.external_id, i.invoice_id, p_run.id from unnest(p_invoices) i;
  update public.import_rows w set state = 'applied', target_id = i.invoice_id
  from unnest(p_invoices) i
  where w.run_id = p_run.id and w.row_number = i.row_number;
end $$;
comment on function ledger.record_imported_invoices(public.import_runs, ledger.invoice_to_import[]) is
  'Writes the events of imported invoices, what they are called in the older system, and what became of their rows.';
