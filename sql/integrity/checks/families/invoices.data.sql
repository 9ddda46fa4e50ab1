-- what invoices say, beside their lines, their orders, their series, their credit notes and the postings
insert into public.integrity_checks (family, code, severity, repair, proves, query) values
  ('invoices', 'invoice_totals_equal_lines', 'critical', null, 'Subtotal, discount and tax of each invoice are the sums of its lines.', $$
    select i.id, i.account_id, format('%s/%s/%s', coalesce(l.subtotal, 0), coalesce(l.discount, 0), coalesce(l.tax, 0)),
           format('%s/%s/%s', i.subtotal_amount, i.discount_amount, i.tax_amount),
           abs(i.subtotal_amount - coalesce(l.subtotal, 0)) + abs(i.discount_amount - coalesce(l.discount, 0)) + abs(i.tax_amount - coalesce(l.tax, 0))
    from invoices i
    left join (select n.invoice_id, sum(n.total_price_amount) as subtotal, sum(n.discount_amount) as discount, sum(n.tax_amount) as tax
               from invoice_lines n group by n.invoice_id) l on l.invoice_id = i.id
    where (i.subtotal_amount, i.discount_amount, i.tax_amount) <> (coalesce(l.subtotal, 0), coalesce(l.discount, 0), coalesce(l.tax, 0))
  $$),
  ('invoices', 'order_invoice_equals_order', 'critical', null, 'What remains of the invoice of an order is what the order says is due.', $$
    select i.id, i.account_id, o.amount_due, b.remaining_amount, coalesce(b.remaining_amount, 0) - coalesce(o.amount_due, 0)
    from invoices i
    left join orders_of_accounts o on o.id = i.order_id
    left join invoice_balance_cache b on b.invoice_id = i.id
    where i.kind = 'invoice' and i.status = 'issued' and i.order_id is not null and o.amount_due is distinct from b.remaining_amount
  $$),
  -- a void one claims nothing, and nothing is allocated to it
  ('invoices', 'invoice_has_its_balance', 'error', 'balance_caches', 'Each invoice has its balance, credit notes have none, and to a void one nothing is allocated.', $$
    select i.id, i.account_id, case i.kind when 'invoice' then i.amount::text else 'none' end,
           coalesce(format('%s, %s allocated', b.amount, b.allocated_total), 'none'), coalesce(b.amount, 0) - i.amount
    from invoices i left join invoice_balance_cache b on b.invoice_id = i.id
    where case i.kind when 'invoice' then b.amount is distinct from i.amount or (i.status = 'void' and b.allocated_total <> 0)
                      else b.invoice_id is not null end
  $$),
  ('invoices', 'receivable_equals_orders_and_invoices', 'critical', null, 'What is receivable of each account is what its delivered orders and free invoices are owed.', $$
    select coalesce(w.account_id, r.account_id), coalesce(w.account_id, r.account_id), coalesce(w.amount, 0), coalesce(r.amount, 0),
           coalesce(r.amount, 0) - coalesce(w.amount, 0)
    from (
      select s.account_id, sum(s.amount) as amount
      from (select o.account_id, o.outstanding_amount as amount from orders_of_accounts o where o.status = 'delivered'
            union all
            select b.account_id, b.remaining_amount
            from invoice_balance_cache b join invoices i on i.id = b.invoice_id
            where i.order_id is null) s
      group by s.account_id) w
    full join (
      select p.account_id, sum(case p.debit_account when 'receivable' then p.amount else -p.amount end) as amount
      from postings p
      where 'receivable' in (p.debit_account, p.credit_account)
      group by p.account_id) r on r.account_id = w.account_id
    where coalesce(w.amount, 0) <> coalesce(r.amount, 0)
  $$),
  -- what free invoices claim and their notes give back, each in its chart account
  ('invoices', 'income_equals_free_invoices', 'critical', null, 'What is booked as income without an order is what free invoices claim.', $$
    select format('%s %s', coalesce(c.account_id, b.account_id), coalesce(c.account, b.account)), coalesce(c.account_id, b.account_id),
           coalesce(c.amount, 0), coalesce(b.amount, 0), coalesce(b.amount, 0) - coalesce(c.amount, 0)
    from (
      select i.account_id, n.account, sum(n.amount * case i.kind when 'invoice' then 1 else -1 end) as amount
      from invoices i
      cross join lateral (values ('revenue', i.total_amount - i.tax_amount - i.shipping_amount), ('tax_payable', i.tax_amount),
                                 ('shipping_income', i.shipping_amount)) n (account, amount)
      where i.order_id is null and i.status = 'issued'
      group by i.account_id, n.account) c
    full join (
      select p.account_id, l.account, sum(l.amount) as amount
      from postings p
      join transactions t on t.id = p.transaction_id and t.order_id is null
      cross join lateral (values (p.credit_account, p.amount), (p.debit_account, -p.amount)) l (account, amount)
      where l.account in ('revenue', 'tax_payable', 'shipping_income')
      group by p.account_id, l.account) b on b.account_id = c.account_id and b.account = c.account
    where coalesce(c.amount, 0) <> coalesce(b.amount, 0)
  $$),
  ('invoices', 'invoice_credited_by_its_notes', 'critical', 'invoice_credit', 'What was credited of each invoice is the sum of its credit notes.', $$
    select i.id, i.account_id, coalesce(n.total, 0), i.credited_amount, i.credited_amount - coalesce(n.total, 0)
    from invoices i
    left join (select m.credits_invoice_id as invoice_id, sum(m.total_amount) as total
               from invoices m where m.kind = 'credit_note' group by m.credits_invoice_id) n on n.invoice_id = i.id
    where i.kind = 'invoice' and i.credited_amount <> coalesce(n.total, 0)
  $$),
  ('invoices', 'credit_note_equals_its_refund', 'critical', null, 'The credit note of a refund is over what the refund credited.', $$
    select n.id, n.account_id, coalesce(f.credited_amount::text, 'a refund of its order'), n.total_amount, n.total_amount - coalesce(f.credited_amount, 0)
    from invoices n left join public.refunds f on f.id = n.refund_id and f.order_id = n.order_id
    where n.kind = 'credit_note' and n.order_id is not null and f.credited_amount is distinct from n.total_amount
  $$),
  ('invoices', 'invoice_refers_to_what_is_there', 'critical', null, 'Each invoice is of its customer''s account in its currency, with an order and an invoice of that account.', $$
    select i.id, i.account_id, 'an account, an order and an invoice of the same customer and currency', format('%s %s', i.account_id, i.currency), null
    from invoices i
    left join accounts a on a.id = i.account_id and a.user_id = i.user_id and a.currency = i.currency
    left join orders_of_accounts o on o.id = i.order_id and o.account_id = i.account_id and o.currency = i.currency
    left join invoices c on c.id = i.credits_invoice_id and c.account_id = i.account_id and c.kind = 'invoice'
    where a.id is null or (i.order_id is not null and o.id is null)
      or (i.kind = 'credit_note' and (c.id is null or c.order_id is distinct from i.order_id))
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- a series is everybody's
insert into public.integrity_checks (family, code, severity, scopes, repair, proves, query) values
  ('invoices', 'invoice_series_have_no_gaps', 'critical', '{all}', null, 'Invoices of each series are numbered without a gap. (Order numbers come from a sequence: a refused order leaves one.)', $$
    select s.code, null, format('%s, up to %s', s.next_number - s.first_number, s.next_number - 1),
           format('%s, up to %s', count(i.number), coalesce(max(i.number), s.first_number - 1)), null
    from public.invoice_series s left join invoices i on i.series = s.code
    group by s.code, s.first_number, s.next_number
    having count(i.number) <> s.next_number - s.first_number or coalesce(max(i.number), s.first_number - 1) <> s.next_number - 1
        or min(i.number) <> s.first_number
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;
