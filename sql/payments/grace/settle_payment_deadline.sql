/*
 * Keeps the deadline of an order, which the caller has locked and just changed, in step with what is due:
 * settled when nothing is or the order has ended. Where something is due again, the time that was granted
 * goes on, and the order is in grace again; it is overdue at once when that is over by now. Answers the order as it
 * is then. Orders without a deadline cost one look-up.
 */
create function ledger.settle_payment_deadline(p_order public.orders)
returns public.orders
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := clock_timestamp();
  v_order public.orders := p_order;
  v_status text;
begin
  if p_order.amount_due = 0 or p_order.status in ('rejected', 'cancelled', 'refunded') then
    update public.payment_deadlines d set status = 'settled', settled_at = v_now, updated_at = v_now
    where d.account_id = p_order.account_id and d.order_id = p_order.id and d.status <> 'settled';
    return v_order;
  end if;
  update public.payment_deadlines d set
    status = case when d.due_at > v_now then 'open' else 'overdue' end,
    expired_at = case when d.due_at > v_now then d.expired_at else v_now end,
    settled_at = null,
    updated_at = v_now
  where d.account_id = p_order.account_id and d.order_id = p_order.id and d.status = 'settled'
  returning d.status into v_status;
  if v_status = 'open' then
    update public.orders o set payment_status = ledger.payment_status_of(
      o.total_amount, o.credited_amount, o.paid_amount, o.refunded_amount,
      case o.payment_status when 'receipt_uploaded' then o.payment_status else 'in_grace' end)
    where o.account_id = p_order.account_id and o.id = p_order.id
    returning o.* into v_order;
  end if;
  return v_order;
end $$;
comment on function ledger.settle_payment_deadline(public.orders) is
  'Settles the deadline of a locked order, as it is by now, when nothing is due or it has ended; one that was settled runs on when something is due again, or is overdue when its time has passed. Answers the order.';

/* For who says beforehand what an order will read when something is due of it again. */
create function ledger.grace_left(p_order_id uuid)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (select from public.payment_deadlines d
                 where d.order_id = p_order_id and d.status <> 'overdue' and d.due_at > clock_timestamp());
end $$;
comment on function ledger.grace_left(uuid) is 'Whether an order was given time that is not over, also when it was paid meanwhile.';

/* An order that is being rejected gives up its time to be paid; it is locked. */
create function ledger.end_grace(p_account_id uuid, p_order_id uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.payment_deadlines d set status = 'settled', settled_at = clock_timestamp(), updated_at = clock_timestamp()
  where d.account_id = p_account_id and d.order_id = p_order_id and d.status <> 'settled';
  if found then
    update public.orders o set
      payment_status = ledger.payment_status_of(o.total_amount, o.credited_amount, o.paid_amount, o.refunded_amount,
                                                nullif(o.payment_status, 'in_grace'))
    where o.account_id = p_account_id and o.id = p_order_id;
  end if;
end $$;
comment on function ledger.end_grace(uuid, uuid) is 'Settles the deadline of a locked order, if it has one, and takes it out of its grace period.';

/* For who has to say an order's payment_status anew, as after the review of a receipt. */
create function ledger.grace_of(p_order_id uuid)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select 'in_grace' from public.payment_deadlines d where d.order_id = p_order_id and d.status = 'open');
end $$;
comment on function ledger.grace_of(uuid) is
  'in_grace while the deadline of an order is open, else null: the last argument of ledger.payment_status_of.';
