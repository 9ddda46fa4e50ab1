/*
 * Keeps the deadline of an order, which the caller has locked and just changed, in step with what is due:
 * settled when nothing is or the order has ended; overdue at once when a payment that had settled it was
 * taken back, for the time it was given for is used up. Orders without a deadline cost one look-up.
 */
create function ledger.settle_payment_deadline(p_order public.orders)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_order.amount_due = 0 or p_order.status in ('rejected', 'cancelled', 'refunded') then
    update public.payment_deadlines d set status = 'settled', settled_at = clock_timestamp(), updated_at = clock_timestamp()
    where d.account_id = p_order.account_id and d.order_id = p_order.id and d.status <> 'settled';
  else
    update public.payment_deadlines d set
      status = 'overdue', due_at = least(d.due_at, clock_timestamp()), expired_at = clock_timestamp(), settled_at = null, updated_at = clock_timestamp()
    where d.account_id = p_order.account_id and d.order_id = p_order.id and d.status = 'settled';
  end if;
end $$;
comment on function ledger.settle_payment_deadline(public.orders) is
  'Settles the deadline of a locked order, as it is by now, when nothing is due or it has ended; one that was settled becomes overdue when something is due again.';

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
