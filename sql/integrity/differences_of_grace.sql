/* What deadlines say, beside the orders they are for. */
create function ledger.differences_of_grace()
returns table (check_code text, subject text, expected text, found text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select 'in_grace_has_an_open_deadline', o.id::text, 'an open deadline', coalesce(d.status, 'none')
  from public.orders o
  left join public.payment_deadlines d on d.order_id = o.id
  where o.payment_status = 'in_grace' and d.status is distinct from 'open'
  union all
  select 'deadline_waits_for_its_order', d.order_id::text, d.status, format('%s, %s, %s due', o.status, o.payment_status, o.amount_due)
  from public.payment_deadlines d
  join public.orders o on o.id = d.order_id
  where (d.status <> 'settled' and (o.amount_due = 0 or o.status in ('rejected', 'cancelled', 'refunded')))
    or (d.status = 'open' and o.payment_status not in ('in_grace', 'receipt_uploaded'))
  union all
  select 'deadline_refers_to_what_is_there', d.order_id::text, 'an order of its account', d.account_id::text
  from public.payment_deadlines d
  left join public.orders o on o.id = d.order_id and o.account_id = d.account_id
  where o.id is null;
$$;
comment on function ledger.differences_of_grace() is 'Orders in grace and deadlines that do not fit together.';
