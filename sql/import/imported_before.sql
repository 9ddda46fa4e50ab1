/* Rows whose name was imported before: what they are here, and whether the row says anything else. */
create function ledger.imported_target(p_kind text, p_target_id uuid, out amount bigint, out account_id uuid, out status text)
returns record
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select p.amount, p.account_id, p.status from public.payments p where p_kind = 'payment' and p.id = p_target_id
  union all
  select i.total_amount, i.account_id, i.status from public.invoices i where p_kind = 'invoice' and i.id = p_target_id;
$$;
comment on function ledger.imported_target(text, uuid) is 'Amount (minor units), account and status of an imported payment or invoice.';

/* What a row says beside amount and customer, in a form that can be compared. */
create function ledger.import_facts(p_kind text, p_parsed jsonb)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_strip_nulls(case p_kind
    when 'payment' then jsonb_build_object(
      'paid_at', (p_parsed ->> 'paid_at')::timestamptz at time zone 'UTC', 'method', p_parsed ->> 'method',
      'reference', ledger.reference_key(p_parsed ->> 'reference'), 'notes', p_parsed ->> 'notes',
      'is_allocated', p_parsed -> 'is_allocated', 'invoice', ledger.import_key(p_parsed ->> 'invoice'))
    else jsonb_build_object(
      'issued_at', (p_parsed ->> 'issued_at')::timestamptz at time zone 'UTC', 'invoice_number', p_parsed ->> 'invoice_number',
      'tax_amount', coalesce(p_parsed -> 'tax_amount', '0'), 'description', coalesce(p_parsed ->> 'description', 'Invoice ' || (p_parsed ->> 'invoice_number'))) end);
end $$;
comment on function ledger.import_facts(text, jsonb) is 'Time, names and words of a read row. Those that people can change once it is imported are left out, as is what the older system computed.';

/* The same of what was imported; the flags of a payment are those of the row that it was. */
create function ledger.imported_facts(p_kind text, p_target_id uuid)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return ledger.import_facts(p_kind, case p_kind
    when 'payment' then (
      select jsonb_build_object('paid_at', p.paid_at, 'method', p.method, 'reference', p.reference, 'notes', p.notes,
                                'is_allocated', w.parsed -> 'is_allocated', 'invoice', w.parsed ->> 'invoice')
      from public.payments p
      left join public.import_rows w on w.target_id = p.id and w.state = 'applied'
      where p.id = p_target_id)
    else (
      select jsonb_build_object('issued_at', i.issued_at, 'invoice_number', i.invoice_number, 'tax_amount', i.tax_amount, 'description', l.description)
      from public.invoices i
      join public.invoice_lines l on l.invoice_id = i.id and l.line_number = 1
      where i.id = p_target_id) end);
end $$;
comment on function ledger.imported_facts(text, uuid) is 'What ledger.import_facts says of the row that an imported payment or invoice was.';

/* Rows of a batch whose name, in any spelling, was imported before, beside what it is here. */
create function ledger.imported_before(p_run_id uuid, p_kind text, p_row_numbers bigint[])
returns table (row_number bigint, external_id text, target_id uuid, imported_id text, status text, is_same boolean, imported text, found text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select w.row_number, w.external_id, i.target_id, i.external_id, t.status,
         t.status in ('captured', 'issued') and lower(i.external_id) = lower(w.external_id) and t.amount = w.amount and t.account_id = n.account_id and d.is_same,
         concat_ws(', ', case when lower(i.external_id) <> lower(w.external_id) then i.external_id end,
                   ledger.format_money(t.amount, r.currency) || case when t.account_id <> n.account_id then ' of somebody else' else '' end, d.imported),
         concat_ws(', ', ledger.format_money(w.amount, r.currency), d.found)
  from public.import_rows w
  join public.import_runs r on r.id = w.run_id
  join public.import_identities i on i.kind = p_kind and ledger.import_key(i.external_id) = ledger.import_key(w.external_id)
  cross join lateral ledger.imported_target(p_kind, i.target_id) t
  cross join lateral ledger.account_id((w.parsed ->> 'user_id')::uuid, r.currency) n (account_id)
  cross join lateral (
    select bool_and(b.value is not distinct from a.value) as is_same,
           string_agg(format('%s %s', coalesce(a.key, b.key), coalesce(left(a.value, 60), 'none')), ', ' order by coalesce(a.key, b.key)) filter (where b.value is distinct from a.value) as imported,
           string_agg(format('%s %s', coalesce(a.key, b.key), coalesce(left(b.value, 60), 'none')), ', ' order by coalesce(a.key, b.key)) filter (where b.value is distinct from a.value) as found
    from jsonb_each_text(ledger.imported_facts(p_kind, i.target_id)) a
    full join jsonb_each_text(ledger.import_facts(p_kind, w.parsed)) b on b.key = a.key) d
  where w.run_id = p_run_id and w.row_number = any (p_row_numbers) and w.state = 'staged';
$$;
comment on function ledger.imported_before(uuid, text, bigint[]) is
  'Staged rows whose external id is taken: is_same when they say what was imported then, else imported and found name what differs.';

/* What says the same as what was imported: nothing to do. Names that differ in more than case are for a person to judge. */
create function ledger.skip_imported_rows(p_run_id uuid, p_kind text, p_row_numbers bigint[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count integer;
begin
  update public.import_rows w set state = 'skipped', target_id = b.target_id
  from ledger.imported_before(p_run_id, p_kind, p_row_numbers) b
  where w.run_id = p_run_id and w.row_number = b.row_number and b.is_same;
  get diagnostics v_count = row_count;
  return v_count;
end $$;
comment on function ledger.skip_imported_rows(uuid, text, bigint[]) is 'Skips rows that were imported before as they are.';

create function ledger.reject_imported_differently(p_run_id uuid, p_kind text, p_row_numbers bigint[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  return ledger.reject_import_rows(p_run_id, array(
    select case when b.status in ('captured', 'issued') then
      row(b.row_number, 'external_id', 'row_differs_from_imported', b.external_id,
          jsonb_build_object('imported', b.imported, 'found', b.found))::ledger.import_reject
      else row(b.row_number, 'external_id', 'row_imported_before', b.external_id, jsonb_build_object('status', b.status))::ledger.import_reject end
    from ledger.imported_before(p_run_id, p_kind, p_row_numbers) b));
end $$;
comment on function ledger.reject_imported_differently(uuid, text, bigint[]) is 'Rejects rows whose external id was imported before as something else, or is void by now.';
