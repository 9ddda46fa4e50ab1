/* What receipts say, beside their payments and orders. */
create function ledger.differences_of_receipts()
returns table (check_code text, subject text, expected text, found text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select 'approved_receipt_is_its_payment', r.id::text,
         format('%s %s of %s for %s, %s', r.approved_amount, r.currency, r.account_id, r.order_id,
                case when r.payment_voided_at is null then 'captured' else 'voided' end),
         coalesce(format('%s %s of %s for %s, %s', p.amount, p.currency, p.account_id, p.order_id, p.status), 'no payment')
  from public.payment_receipts r
  left join public.payments p on p.id = r.payment_id
  where r.payment_id is not null
    and (p.amount, p.currency, p.account_id, p.order_id, p.source, p.status)
        is distinct from (r.approved_amount, r.currency, r.account_id, r.order_id, 'receipt', case when r.payment_voided_at is null then 'captured' else 'voided' end)
  union all
  select 'payment_of_a_receipt_has_it', p.id::text, 'an approved receipt', 'none'
  from public.payments p
  where p.source = 'receipt' and not exists (select from public.payment_receipts r where r.payment_id = p.id)
  union all
  select 'receipt_refers_to_what_is_there', r.id::text, 'an account, order and invoice of its customer and currency',
         format('%s %s %s', r.account_id, r.order_id, r.invoice_id)
  from public.payment_receipts r
  left join public.accounts a on a.id = r.account_id and a.user_id = r.user_id and a.currency = r.currency
  left join public.orders o on o.id = r.order_id and o.account_id = r.account_id
  left join public.invoices i on i.id = r.invoice_id and i.account_id = r.account_id
  where a.id is null or (r.order_id is not null and o.id is null) or (r.invoice_id is not null and i.id is null)
    or (i.order_id is not null and i.order_id is distinct from r.order_id)
  union all
  select 'receipt_uploaded_has_a_receipt', o.id::text, 'a receipt under review', 'none'
  from public.orders o
  where o.payment_status = 'receipt_uploaded'
    and not exists (select from public.payment_receipts r where r.account_id = o.account_id and r.order_id = o.id and r.status = 'submitted');
$$;
comment on function ledger.differences_of_receipts() is 'Receipts that differ from their payments, orders or invoices.';
