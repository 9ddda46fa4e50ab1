/* What imports say, beside their rows, the payments and invoices these became, and what backfills made of flags. */
create function ledger.differences_of_imports()
returns table (check_code text, subject text, expected text, found text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select 'import_counts_equal_rows', r.id::text, format('%s/%s/%s/%s', r.staged_rows, r.applied_rows, r.skipped_rows, r.rejected_rows),
         format('%s/%s/%s/%s', n.staged, n.applied, n.skipped, n.rejected)
  from public.import_runs r
  cross join lateral (
    select count(*) as staged, count(*) filter (where w.state = 'applied') as applied, count(*) filter (where w.state = 'skipped') as skipped,
           count(*) filter (where w.state = 'rejected') as rejected
    from public.import_rows w
    where w.run_id = r.id) n
  where (r.staged_rows, r.applied_rows, r.skipped_rows, r.rejected_rows) <> (n.staged, n.applied, n.skipped, n.rejected)
  union all
  select 'applied_row_equals_what_it_became', format('%s/%s', w.run_id, w.row_number), format('%s %s', w.amount, w.external_id),
         format('%s %s', coalesce(p.amount, i.total_amount), coalesce(p.external_id, i.external_id))
  from public.import_rows w
  join public.import_runs r on r.id = w.run_id and r.kind in ('payments', 'invoices')
  left join public.payments p on r.kind = 'payments' and p.id = w.target_id and p.source = 'import'
  left join public.invoices i on r.kind = 'invoices' and i.id = w.target_id and i.source = 'import'
  where w.state = 'applied' and (w.amount, w.external_id) is distinct from (coalesce(p.amount, i.total_amount),
        case when w.external_id is not null then coalesce(p.external_id, i.external_id) end)
  union all
  select 'rejected_row_has_its_reason', format('%s/%s', w.run_id, w.row_number), 'a reason', 'none'
  from public.import_rows w
  where w.state = 'rejected'
    and not exists (select from public.import_rejects j where j.run_id = w.run_id and j.row_number = w.row_number)
  union all
  select 'synthetic_allocation_is_of_imports', a.id::text, 'a flagged payment and an invoice, both imported', format('%s %s', a.payment_id, a.invoice_id)
  from public.payment_allocations a
  left join public.payments p on p.id = a.payment_id and p.source = 'import'
  left join public.invoices i on i.id = a.invoice_id and i.source = 'import'
  left join public.import_rows w on w.run_id = a.import_run_id and w.target_id = a.payment_id and w.parsed ->> 'is_allocated' = 'true'
  where a.synthetic and (p.id is null or i.id is null or w.run_id is null);
$$;
comment on function ledger.differences_of_imports() is 'Imports that differ from their rows or from what these became, and synthetic allocations that no flag explains.';
