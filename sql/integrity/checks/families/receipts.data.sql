-- what receipts and deadlines say, beside their payments and orders
insert into public.integrity_checks (family, code, severity, repair, proves, query) values
  ('receipts', 'approved_receipt_is_its_payment', 'critical', null, 'The payment of each approved receipt is what was approved.', $$
    select r.id, r.account_id,
           format('%s %s of %s for %s, %s', r.approved_amount, r.currency, r.account_id, r.order_id, case when r.payment_voided_at is null then 'captured' else 'voided' end),
           coalesce(format('%s %s of %s for %s, %s', p.amount, p.currency, p.account_id, p.order_id, p.status), 'no payment'),
           coalesce(p.amount, 0) - r.approved_amount
    from payment_receipts r
    left join payments p on p.id = r.payment_id
    where r.payment_id is not null
      and (p.amount, p.currency, p.account_id, p.order_id, p.source, p.status)
          is distinct from (r.approved_amount, r.currency, r.account_id, r.order_id, 'receipt', case when r.payment_voided_at is null then 'captured' else 'voided' end)
  $$),
  ('receipts', 'payment_of_a_receipt_has_it', 'critical', null, 'Each payment that was made of a receipt has it.', $$
    select p.id, p.account_id, 'an approved receipt', 'none', p.amount
    from payments p
    where p.source = 'receipt' and not exists (select from payment_receipts r where r.payment_id = p.id)
  $$),
  ('receipts', 'receipt_refers_to_what_is_there', 'critical', null, 'Each receipt is of its customer''s account in its currency, with an order and an invoice of that account.', $$
    select r.id, r.account_id, 'an account, order and invoice of its customer and currency', format('%s %s %s', r.account_id, r.order_id, r.invoice_id), null
    from payment_receipts r
    left join accounts a on a.id = r.account_id and a.user_id = r.user_id and a.currency = r.currency
    left join orders_of_accounts o on o.id = r.order_id and o.account_id = r.account_id
    left join invoices i on i.id = r.invoice_id and i.account_id = r.account_id
    where a.id is null or (r.order_id is not null and o.id is null) or (r.invoice_id is not null and i.id is null)
      or (i.order_id is not null and i.order_id is distinct from r.order_id)
  $$),
  ('receipts', 'receipt_uploaded_has_a_receipt', 'error', 'order_money', 'Each order whose receipt is looked at has one.', $$
    select o.id, o.account_id, 'a receipt under review', 'none', null
    from orders o
    where o.payment_status = 'receipt_uploaded'
      and not exists (select from order_receipts r where r.account_id = o.account_id and r.order_id = o.id and r.status = 'submitted')
  $$),
  ('receipts', 'in_grace_has_an_open_deadline', 'error', 'order_money', 'Each order in grace has an open deadline.', $$
    select o.id, o.account_id, 'an open deadline', coalesce(d.status, 'none'), null
    from orders o
    left join payment_deadlines d on d.order_id = o.id
    where o.payment_status = 'in_grace' and d.status is distinct from 'open'
  $$),
  ('receipts', 'deadline_waits_for_its_order', 'error', 'order_money', 'Each deadline that is not settled is of a living order that is due.', $$
    select d.order_id, o.account_id, d.status, format('%s, %s, %s due', o.status, o.payment_status, o.amount_due), null
    from payment_deadlines d
    join orders o on o.id = d.order_id
    where (d.status <> 'settled' and (o.amount_due = 0 or o.status in ('rejected', 'cancelled', 'refunded')))
      or (d.status = 'open' and o.payment_status not in ('in_grace', 'receipt_uploaded'))
  $$),
  ('receipts', 'settled_deadline_has_nothing_due', 'error', null, 'Each settled deadline is of an order of which nothing is due or that has ended.', $$
    select d.order_id, o.account_id, 'open or overdue', format('settled; %s, %s, %s due', o.status, o.payment_status, o.amount_due), o.amount_due
    from payment_deadlines d
    join orders o on o.id = d.order_id
    where d.status = 'settled' and o.amount_due > 0 and o.status not in ('rejected', 'cancelled', 'refunded')
  $$),
  ('receipts', 'deadline_refers_to_what_is_there', 'critical', null, 'Each deadline is of an order of its account.', $$
    select d.order_id, d.account_id, 'an order of its account', d.account_id, null
    from payment_deadlines d
    left join orders o on o.id = d.order_id and o.account_id = d.account_id
    where o.id is null
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;
