/* What invoices say, beside their lines, their orders, their series, their credit notes and the postings. */
create function ledger.differences_of_invoices()
returns table (check_code text, subject text, expected text, found text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with lines as (
    select l.invoice_id, sum(l.total_price_amount) as subtotal, sum(l.discount_amount) as discount, sum(l.tax_amount) as tax
    from public.invoice_lines l
    group by l.invoice_id),
  noted as (
    select n.credits_invoice_id as invoice_id, sum(n.total_amount) as total
    from public.invoices n
    where n.kind = 'credit_note'
    group by n.credits_invoice_id),
  -- what free invoices claim and their notes give back, each in its chart account
  claimed as (
    select i.account_id, c.account, sum(c.amount * case i.kind when 'invoice' then 1 else -1 end) as amount
    from public.invoices i
    cross join lateral (values ('revenue', i.total_amount - i.tax_amount - i.shipping_amount), ('tax_payable', i.tax_amount),
                               ('shipping_income', i.shipping_amount)) c (account, amount)
    where i.order_id is null and i.status = 'issued'
    group by i.account_id, c.account),
  booked as (
    select p.account_id, l.account, sum(l.amount) as amount
    from public.postings p
    join public.transactions t on t.id = p.transaction_id
    cross join lateral (values (p.credit_account, p.amount), (p.debit_account, -p.amount)) l (account, amount)
    where l.account in ('revenue', 'tax_payable', 'shipping_income') and t.order_id is null
    group by p.account_id, l.account),
  owed as (
    select s.account_id, sum(s.amount) as amount
    from (select o.account_id, o.outstanding_amount as amount from public.orders o where o.status = 'delivered'
          union all
          select b.account_id, b.remaining_amount
          from public.invoice_balance_cache b join public.invoices i on i.id = b.invoice_id
          where i.order_id is null) s
    group by s.account_id),
  receivable as (
    select p.account_id, sum(case p.debit_account when 'receivable' then p.amount else -p.amount end) as amount
    from public.postings p
    where 'receivable' in (p.debit_account, p.credit_account)
    group by p.account_id)
  select 'invoice_totals_equal_lines', i.id::text, format('%s/%s/%s', coalesce(l.subtotal, 0), coalesce(l.discount, 0), coalesce(l.tax, 0)),
         format('%s/%s/%s', i.subtotal_amount, i.discount_amount, i.tax_amount)
  from public.invoices i left join lines l on l.invoice_id = i.id
  where (i.subtotal_amount, i.discount_amount, i.tax_amount) <> (coalesce(l.subtotal, 0), coalesce(l.discount, 0), coalesce(l.tax, 0))
  union all
  select 'order_invoice_equals_order', i.id::text, o.amount_due::text, b.remaining_amount::text
  from public.invoices i
  left join public.orders o on o.id = i.order_id
  left join public.invoice_balance_cache b on b.invoice_id = i.id
  where i.kind = 'invoice' and i.status = 'issued' and i.order_id is not null and o.amount_due is distinct from b.remaining_amount
  union all
  -- a void one claims nothing, and nothing is allocated to it
  select 'invoice_has_its_balance', i.id::text, case i.kind when 'invoice' then i.amount::text else 'none' end,
         coalesce(format('%s, %s allocated', b.amount, b.allocated_total), 'none')
  from public.invoices i left join public.invoice_balance_cache b on b.invoice_id = i.id
  where case i.kind when 'invoice' then b.amount is distinct from i.amount or (i.status = 'void' and b.allocated_total <> 0)
                    else b.invoice_id is not null end
  union all
  select 'receivable_equals_orders_and_invoices', coalesce(w.account_id, r.account_id)::text, coalesce(w.amount, 0)::text, coalesce(r.amount, 0)::text
  from owed w full join receivable r on r.account_id = w.account_id
  where coalesce(w.amount, 0) <> coalesce(r.amount, 0)
  union all
  select 'income_equals_free_invoices', format('%s %s', coalesce(c.account_id, b.account_id), coalesce(c.account, b.account)),
         coalesce(c.amount, 0)::text, coalesce(b.amount, 0)::text
  from claimed c full join booked b on b.account_id = c.account_id and b.account = c.account
  where coalesce(c.amount, 0) <> coalesce(b.amount, 0)
  union all
  select 'invoice_series_have_no_gaps', s.code, format('%s, up to %s', s.next_number - s.first_number, s.next_number - 1),
         format('%s, up to %s', count(i.number), coalesce(max(i.number), s.first_number - 1))
  from public.invoice_series s left join public.invoices i on i.series = s.code
  group by s.code, s.first_number, s.next_number
  having count(i.number) <> s.next_number - s.first_number or coalesce(max(i.number), s.first_number - 1) <> s.next_number - 1
      or min(i.number) <> s.first_number
  union all
  select 'invoice_credited_by_its_notes', i.id::text, coalesce(n.total, 0)::text, i.credited_amount::text
  from public.invoices i left join noted n on n.invoice_id = i.id
  where i.kind = 'invoice' and i.credited_amount <> coalesce(n.total, 0)
  union all
  select 'credit_note_equals_its_refund', n.id::text, coalesce(f.credited_amount::text, 'a refund of its order'), n.total_amount::text
  from public.invoices n left join public.refunds f on f.id = n.refund_id and f.order_id = n.order_id
  where n.kind = 'credit_note' and n.order_id is not null and f.credited_amount is distinct from n.total_amount
  union all
  select 'invoice_refers_to_what_is_there', i.id::text, 'an account, an order and an invoice of the same customer and currency',
         format('%s %s', i.account_id, i.currency)
  from public.invoices i
  left join public.accounts a on a.id = i.account_id and a.user_id = i.user_id and a.currency = i.currency
  left join public.orders o on o.id = i.order_id and o.account_id = i.account_id and o.currency = i.currency
  left join public.invoices c on c.id = i.credits_invoice_id and c.account_id = i.account_id and c.kind = 'invoice'
                                 and c.order_id is not distinct from i.order_id
  where a.id is null or (i.order_id is not null and o.id is null) or (i.kind = 'credit_note' and c.id is null);
$$;
comment on function ledger.differences_of_invoices() is
  'Invoices that differ from their lines, orders, series, credit notes or postings.';
