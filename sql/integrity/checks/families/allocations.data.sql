/*
 * The invariants I1 to I10 of source 002 (2.4, 16.7), from the rows and not from the constraints that keep
 * them: what allocations add up to, beside payments, invoices, the two caches, debt movements and events.
 */
insert into public.integrity_checks (family, code, severity, repair, proves, query) values
  -- I1, I6
  ('allocations', 'payment_gives_at_most_its_amount', 'critical', null, 'No payment pays invoices with more than it is.', $$
    select p.id, p.account_id, format('at most %s', case p.status when 'captured' then p.amount else 0 end), g.amount,
           g.amount - case p.status when 'captured' then p.amount else 0 end
    from payments p join payments_given g on g.payment_id = p.id
    where g.amount > case p.status when 'captured' then p.amount else 0 end or g.amount < 0
  $$),
  -- I2, I7
  ('allocations', 'invoice_takes_at_most_its_amount', 'critical', null, 'No invoice is paid with more than it claims.', $$
    select i.id, i.account_id, format('at most %s', i.amount), g.amount, g.amount - i.amount
    from invoices i join invoices_taken g on g.invoice_id = i.id
    where g.amount > i.amount or g.amount < 0
  $$),
  -- I3
  ('allocations', 'invoice_remaining_is_amount_less_allocations', 'error', 'balance_caches', 'What remains of each invoice is what it claims less what was allocated to it.', $$
    select coalesce(i.id, b.invoice_id), coalesce(i.account_id, b.account_id), format('%s of account %s', i.amount - coalesce(g.amount, 0), i.account_id),
           format('%s of account %s', b.remaining_amount, b.account_id), coalesce(b.remaining_amount, 0) - coalesce(i.amount - coalesce(g.amount, 0), 0)
    from (select n.* from invoices n where n.kind = 'invoice') i
    full join invoice_balance_cache b on b.invoice_id = i.id
    left join invoices_taken g on g.invoice_id = i.id
    where (b.account_id, b.amount, b.remaining_amount) is distinct from (i.account_id, i.amount, (i.amount - coalesce(g.amount, 0))::bigint)
  $$),
  -- I4, I8, I9
  ('allocations', 'invoice_status_follows_what_remains', 'error', 'balance_caches', 'Each invoice is unpaid, partial or paid as what remains of it says.', $$
    select b.invoice_id, b.account_id, w.status, b.status_cached, null
    from invoice_balance_cache b
    join invoices i on i.id = b.invoice_id
    left join invoices_taken g on g.invoice_id = b.invoice_id
    cross join lateral (select case when i.amount - coalesce(g.amount, 0) = 0 then 'paid'
                                    when i.amount - coalesce(g.amount, 0) = i.amount then 'unpaid' else 'partial' end as status) w
    where b.status_cached <> w.status
  $$),
  -- I5, and I10: no drift at all
  ('allocations', 'debt_is_invoices_less_allocations', 'error', 'balance_caches', 'The debt of each account is its invoices less what was allocated to them.', $$
    select coalesce(r.account_id, c.account_id), coalesce(r.account_id, c.account_id),
           format('%s/%s/%s', coalesce(r.invoiced, 0), coalesce(r.allocated, 0), coalesce(r.unapplied, 0)),
           format('%s/%s/%s', coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0)),
           coalesce(c.debt_amount, 0) - coalesce(r.invoiced - r.allocated, 0)
    from debts_recomputed r
    full join account_debt_cache c on c.account_id = r.account_id
    where (coalesce(r.invoiced, 0), coalesce(r.allocated, 0), coalesce(r.unapplied, 0))
          <> (coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0))
  $$),
  ('allocations', 'debt_replays_from_events', 'error', 'balance_caches', 'The debt of each account follows from its events alone.', $$
    select coalesce(c.account_id, e.account_id), coalesce(c.account_id, e.account_id),
           format('%s/%s/%s', coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0)),
           format('%s/%s/%s', coalesce(e.invoiced, 0), coalesce(e.allocated, 0), coalesce(e.unapplied, 0)),
           coalesce(e.invoiced - e.allocated, 0) - coalesce(c.debt_amount, 0)
    from account_debt_cache c
    full join (
      select n.account_id, coalesce(sum((n.payload #>> '{debt_effect,invoiced}')::bigint), 0) as invoiced,
             coalesce(sum((n.payload #>> '{debt_effect,allocated}')::bigint), 0) as allocated,
             coalesce(sum((n.payload #>> '{debt_effect,unapplied}')::bigint), 0) as unapplied
      from immutable_events n
      where n.payload ? 'debt_effect'
      group by n.account_id) e on e.account_id = c.account_id
    where (coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0))
          <> (coalesce(e.invoiced, 0), coalesce(e.allocated, 0), coalesce(e.unapplied, 0))
  $$),
  ('allocations', 'debt_equals_its_movements', 'error', 'balance_caches', 'The debt of each account is the sum of its movements, and what the last of them left.', $$
    select coalesce(c.account_id, m.account_id), coalesce(c.account_id, m.account_id),
           format('%s/%s/%s, last %s/%s', coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0),
                  coalesce(c.debt_amount, 0), coalesce(c.unapplied_amount, 0)),
           format('%s/%s/%s, last %s/%s', coalesce(m.invoiced, 0), coalesce(m.allocated, 0), coalesce(m.unapplied, 0),
                  coalesce(l.debt_after, 0), coalesce(l.unapplied_after, 0)),
           coalesce(m.invoiced - m.allocated, 0) - coalesce(c.debt_amount, 0)
    from account_debt_cache c
    full join (
      select n.account_id, sum(n.invoiced_change) as invoiced, sum(n.allocated_change) as allocated, sum(n.unapplied_change) as unapplied,
             max(n.account_version) as last_version
      from debt_movements n
      group by n.account_id) m on m.account_id = c.account_id
    left join debt_movements l on l.account_id = m.account_id and l.account_version = m.last_version
    where (coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0), coalesce(c.debt_amount, 0), coalesce(c.unapplied_amount, 0))
          <> (coalesce(m.invoiced, 0), coalesce(m.allocated, 0), coalesce(m.unapplied, 0), coalesce(l.debt_after, 0), coalesce(l.unapplied_after, 0))
  $$),
  ('allocations', 'debt_movement_is_of_its_transaction', 'critical', null, 'Each movement of a debt is of the transaction with its version.', $$
    select format('%s/%s', m.account_id, m.account_version), m.account_id, m.transaction_id, t.id, null
    from debt_movements m
    left join transactions t on t.account_id = m.account_id and t.account_version = m.account_version
    where t.id is distinct from m.transaction_id
  $$),
  ('allocations', 'one_allocation_is_live_per_payment_and_invoice', 'critical', null, 'Each payment pays each invoice at most once at a time.', $$
    select format('%s/%s', l.payment_id, l.invoice_id), min(l.account_id::text), 1, count(*), null
    from payment_allocations l
    left join payment_allocations r on r.reverses_allocation_id = l.id
    where l.reverses_allocation_id is null and r.id is null
    group by l.payment_id, l.invoice_id
    having count(*) > 1
  $$),
  ('allocations', 'reversal_is_of_all_of_its_row', 'critical', null, 'A reversal takes back all of what it reverses.', $$
    select r.id, r.account_id, format('%s %s %s', l.payment_id, l.invoice_id, -l.allocated_amount),
           format('%s %s %s', r.payment_id, r.invoice_id, r.allocated_amount), r.allocated_amount + l.allocated_amount
    from payment_allocations r
    join payment_allocations l on l.id = r.reverses_allocation_id
    where (l.account_id, l.payment_id, l.invoice_id, -l.allocated_amount) <> (r.account_id, r.payment_id, r.invoice_id, r.allocated_amount)
  $$),
  ('allocations', 'allocation_refers_to_what_is_there', 'critical', null, 'Each allocation is between a payment and an invoice of its account, with a transaction of its own.', $$
    select l.id, l.account_id, 'payment, invoice and transaction of its account', l.account_id, null
    from payment_allocations l
    left join payments p on p.id = l.payment_id and p.account_id = l.account_id
    left join invoices i on i.id = l.invoice_id and i.account_id = l.account_id and i.kind = 'invoice' and i.currency = p.currency
    left join transactions t on t.id = l.transaction_id and t.account_id = l.account_id
    where p.id is null or i.id is null or t.id is null or t.order_id is distinct from i.order_id
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;
