-- what imports say, beside their rows, the payments and invoices these became, and what backfills made of flags
insert into public.integrity_checks (family, code, severity, repair, scopes, proves, query) values
  ('imports', 'import_counts_equal_rows', 'error', 'import_counts', '{all}', 'The counters of each import count its rows.', $$
    select r.id, null, format('%s/%s/%s/%s', r.staged_rows, r.applied_rows, r.skipped_rows, r.rejected_rows),
           format('%s/%s/%s/%s', coalesce(n.staged, 0), coalesce(n.applied, 0), coalesce(n.skipped, 0), coalesce(n.rejected, 0)), null
    from public.import_runs r
    left join (
      select w.run_id, count(*) as staged, count(*) filter (where w.state = 'applied') as applied,
             count(*) filter (where w.state = 'skipped') as skipped, count(*) filter (where w.state = 'rejected') as rejected
      from import_rows w
      group by w.run_id) n on n.run_id = r.id
    where (r.staged_rows, r.applied_rows, r.skipped_rows, r.rejected_rows)
          <> (coalesce(n.staged, 0), coalesce(n.applied, 0), coalesce(n.skipped, 0), coalesce(n.rejected, 0))
  $$),
  ('imports', 'rejected_row_has_its_reason', 'error', null, '{all}', 'Each row that was not imported says why.', $$
    select format('%s/%s', w.run_id, w.row_number), null, 'a reason', 'none', w.amount
    from import_rows w
    where w.state = 'rejected'
      and not exists (select from public.import_rejects j where j.run_id = w.run_id and j.row_number = w.row_number)
  $$),
  ('imports', 'applied_row_equals_what_it_became', 'critical', null, '{all,changed,account}', 'Each imported row says what the payment or invoice made of it says.', $$
    select format('%s/%s', w.run_id, w.row_number), coalesce(p.account_id, i.account_id), format('%s %s', w.amount, w.external_id),
           format('%s %s', coalesce(p.amount, i.total_amount), coalesce(p.external_id, i.external_id)), coalesce(p.amount, i.total_amount, 0) - w.amount
    from import_rows w
    join public.import_runs r on r.id = w.run_id and r.kind in ('payments', 'invoices')
    left join payments p on p.id = w.target_id and p.source = 'import'
    left join invoices i on i.id = w.target_id and i.source = 'import'
    where w.state = 'applied' and (w.amount, w.external_id) is distinct from (case r.kind when 'payments' then p.amount else i.total_amount end,
          case when w.external_id is not null then case r.kind when 'payments' then p.external_id else i.external_id end end)
  $$),
  ('imports', 'synthetic_allocation_is_of_imports', 'critical', null, '{all,changed,account}', 'Each allocation that a backfill made is of a flagged payment and an invoice that were imported.', $$
    select a.id, a.account_id, 'a flagged payment and an invoice, both imported', format('%s %s', a.payment_id, a.invoice_id), a.allocated_amount
    from payment_allocations a
    left join payments p on p.id = a.payment_id and p.source = 'import'
    left join invoices i on i.id = a.invoice_id and i.source = 'import'
    left join import_rows w on w.run_id = a.import_run_id and w.target_id = a.payment_id and w.parsed ->> 'is_allocated' = 'true'
    where a.synthetic and (p.id is null or i.id is null or w.run_id is null)
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;
