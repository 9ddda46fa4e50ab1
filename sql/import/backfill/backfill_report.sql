/*
 * What a backfill found: sums, payments whose invoice is not there or somebody else's, and invoices whose
 * balance is not what the older system's status says. These are listed and not changed (source 002,
 * 16.1: that status was computed in two places).
 */
create function ledger.backfill_findings(p_run_id uuid)
returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with flagged as (
    select w.row_number, w.parsed ->> 'invoice' as invoice, p.account_id
    from public.import_rows w
    join public.payments p on p.id = w.target_id
    where w.run_id = p_run_id and w.state = 'applied' and w.parsed ->> 'is_allocated' = 'true'),
  accounts as (select distinct f.account_id from flagged f),
  statuses as (
    select i.invoice_number, w.parsed ->> 'status' as old_status, b.status_cached as status
    from accounts a
    join public.invoices i on i.account_id = a.account_id and i.source = 'import' and i.status = 'issued'
    join public.invoice_balance_cache b on b.invoice_id = i.id
    join public.import_rows w on w.target_id = i.id and w.state = 'applied'
    where w.parsed ->> 'status' <> b.status_cached),
  unknown as (
    select f.row_number, f.invoice
    from flagged f
    left join public.import_identities n on n.kind = 'invoice' and ledger.import_key(n.external_id) = ledger.import_key(f.invoice)
    left join public.invoices i on i.id = n.target_id and i.account_id = f.account_id
    where f.invoice is not null and i.id is null)
  select jsonb_build_object(
    'invoices_not_found', jsonb_build_object(
      'rows', (select count(*) from unknown),
      'examples', (select coalesce(jsonb_agg(jsonb_build_object('row', u.row_number, 'invoice', u.invoice) order by u.row_number), '[]')
                   from (select * from unknown order by row_number limit 20) u)),
    'statuses_that_differ', (
      select coalesce(jsonb_agg(jsonb_build_object('old_status', s.old_status, 'status', s.status, 'invoices', s.invoices, 'examples', s.examples)
                                order by s.old_status, s.status), '[]')
      from (select t.old_status, t.status, count(*) as invoices, to_jsonb((array_agg(t.invoice_number order by t.invoice_number))[1:20]) as examples
            from statuses t
            group by t.old_status, t.status) s));
$$;
comment on function ledger.backfill_findings(uuid) is 'What a backfill cannot settle: unknown invoices, and old statuses that disagree with the balances.';

create function ledger.backfill_sums(p_figures ledger.backfill_figures)
returns jsonb
language sql immutable
return jsonb_build_object(
  'accounts', (p_figures).accounts, 'payments', (p_figures).payments, 'flagged_amount', (p_figures).flagged_amount,
  'expected_amount', (p_figures).expected_amount, 'synthetic_amount', (p_figures).synthetic_amount,
  'without_claim', (p_figures).flagged_amount - (p_figures).expected_amount,
  'drift', abs((p_figures).expected_amount - (p_figures).synthetic_amount));
comment on function ledger.backfill_sums(ledger.backfill_figures) is 'The figures of a backfill as its report shows them, in minor units.';
