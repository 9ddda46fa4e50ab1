/*
 * The invariants I1 to I10 of source 002 (2.4, 16.7), from the rows and not from the constraints that keep
 * them: what allocations add up to, beside payments, invoices, the two caches, debt movements and events.
 */
create function ledger.differences_of_allocations()
returns table (check_code text, subject text, expected text, found text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with by_payment as (
    select l.payment_id, sum(l.allocated_amount) as amount from public.payment_allocations l group by l.payment_id),
  by_invoice as (
    select l.invoice_id, sum(l.allocated_amount) as amount from public.payment_allocations l group by l.invoice_id),
  moved as (
    select m.account_id, sum(m.invoiced_change) as invoiced, sum(m.allocated_change) as allocated, sum(m.unapplied_change) as unapplied,
           (array_agg(m.debt_after order by m.account_version desc))[1] as debt_after,
           (array_agg(m.unapplied_after order by m.account_version desc))[1] as unapplied_after
    from public.debt_movements m
    group by m.account_id)
  -- I1, I6
  select 'payment_gives_at_most_its_amount', p.id::text, format('at most %s', case p.status when 'captured' then p.amount else 0 end), g.amount::text
  from public.payments p join by_payment g on g.payment_id = p.id
  where g.amount > case p.status when 'captured' then p.amount else 0 end or g.amount < 0
  union all
  -- I2, I7
  select 'invoice_takes_at_most_its_amount', i.id::text, format('at most %s', i.amount), g.amount::text
  from public.invoices i join by_invoice g on g.invoice_id = i.id
  where g.amount > i.amount or g.amount < 0
  union all
  -- I3
  select 'invoice_remaining_is_amount_less_allocations', coalesce(i.id, b.invoice_id)::text,
         format('%s of account %s', i.amount - coalesce(g.amount, 0), i.account_id), format('%s of account %s', b.remaining_amount, b.account_id)
  from (select n.* from public.invoices n where n.kind = 'invoice') i
  full join public.invoice_balance_cache b on b.invoice_id = i.id
  left join by_invoice g on g.invoice_id = i.id
  where (b.account_id, b.amount, b.remaining_amount) is distinct from (i.account_id, i.amount, (i.amount - coalesce(g.amount, 0))::bigint)
  union all
  -- I4, I8, I9
  select 'invoice_status_follows_what_remains', b.invoice_id::text, w.status, b.status_cached
  from public.invoice_balance_cache b
  join public.invoices i on i.id = b.invoice_id
  left join by_invoice g on g.invoice_id = b.invoice_id
  cross join lateral (select case when i.amount - coalesce(g.amount, 0) = 0 then 'paid'
                                  when i.amount - coalesce(g.amount, 0) = i.amount then 'unpaid' else 'partial' end as status) w
  where b.status_cached <> w.status
  union all
  -- I5, and I10: no drift at all
  select 'debt_is_invoices_less_allocations', coalesce(r.account_id, c.account_id)::text,
         format('%s/%s/%s', coalesce(r.invoiced_amount, 0), coalesce(r.allocated_amount, 0), coalesce(r.unapplied_amount, 0)),
         format('%s/%s/%s', coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0))
  from ledger.recomputed_debts() r
  full join public.account_debt_cache c on c.account_id = r.account_id
  where (coalesce(r.invoiced_amount, 0), coalesce(r.allocated_amount, 0), coalesce(r.unapplied_amount, 0))
        <> (coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0))
  union all
  select 'debt_replays_from_events', coalesce(c.account_id, e.account_id)::text,
         format('%s/%s/%s', coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0)),
         format('%s/%s/%s', coalesce(e.invoiced_amount, 0), coalesce(e.allocated_amount, 0), coalesce(e.unapplied_amount, 0))
  from public.account_debt_cache c
  full join ledger.replayed_debts() e on e.account_id = c.account_id
  where (coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0))
        <> (coalesce(e.invoiced_amount, 0), coalesce(e.allocated_amount, 0), coalesce(e.unapplied_amount, 0))
  union all
  select 'debt_equals_its_movements', coalesce(c.account_id, m.account_id)::text,
         format('%s/%s/%s, last %s/%s', coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0),
                coalesce(c.debt_amount, 0), coalesce(c.unapplied_amount, 0)),
         format('%s/%s/%s, last %s/%s', coalesce(m.invoiced, 0), coalesce(m.allocated, 0), coalesce(m.unapplied, 0),
                coalesce(m.debt_after, 0), coalesce(m.unapplied_after, 0))
  from public.account_debt_cache c
  full join moved m on m.account_id = c.account_id
  where (coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0), coalesce(c.debt_amount, 0), coalesce(c.unapplied_amount, 0))
        <> (coalesce(m.invoiced, 0), coalesce(m.allocated, 0), coalesce(m.unapplied, 0), coalesce(m.debt_after, 0), coalesce(m.unapplied_after, 0))
  union all
  select 'debt_movement_is_of_its_transaction', format('%s/%s', m.account_id, m.account_version), m.transaction_id::text, t.id::text
  from public.debt_movements m
  left join public.transactions t on t.account_id = m.account_id and t.account_version = m.account_version
  where t.id is distinct from m.transaction_id
  union all
  select 'one_allocation_is_live_per_payment_and_invoice', format('%s/%s', l.payment_id, l.invoice_id), '1', count(*)::text
  from public.payment_allocations l
  where l.reverses_allocation_id is null
    and not exists (select from public.payment_allocations r where r.reverses_allocation_id = l.id)
  group by l.payment_id, l.invoice_id
  having count(*) > 1
  union all
  select 'reversal_is_of_all_of_its_row', r.id::text, format('%s %s %s', l.payment_id, l.invoice_id, -l.allocated_amount),
         format('%s %s %s', r.payment_id, r.invoice_id, r.allocated_amount)
  from public.payment_allocations r
  join public.payment_allocations l on l.id = r.reverses_allocation_id
  where (l.account_id, l.payment_id, l.invoice_id, -l.allocated_amount) <> (r.account_id, r.payment_id, r.invoice_id, r.allocated_amount)
  union all
  select 'allocation_refers_to_what_is_there', l.id::text, 'payment, invoice and transaction of its account', l.account_id::text
  from public.payment_allocations l
  left join public.payments p on p.id = l.payment_id and p.account_id = l.account_id
  left join public.invoices i on i.id = l.invoice_id and i.account_id = l.account_id and i.kind = 'invoice' and i.currency = p.currency
  left join public.transactions t on t.id = l.transaction_id and t.account_id = l.account_id and t.order_id is not distinct from i.order_id
  where p.id is null or i.id is null or t.id is null;
$$;
comment on function ledger.differences_of_allocations() is 'Allocations that differ from payments, invoices, caches, movements or events: I1 to I10 of source 002.';
