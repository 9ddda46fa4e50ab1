/* What an order still has of what was paid for it from outside. Minor units. */
create function ledger.held_from_outside(p_order public.orders)
returns bigint
language sql immutable
return (p_order).paid_amount - (p_order).wallet_amount - (p_order).refunded_amount + (p_order).wallet_refunded_amount;
comment on function ledger.held_from_outside(public.orders) is 'What was paid for an order from outside and did not go back.';

create function ledger.orders_of_payment(p_payment_id uuid)
returns uuid[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return array(
    select p.order_id from public.payments p where p.id = p_payment_id and p.order_id is not null
    union
    select i.order_id
    from public.payments p
    cross join lateral ledger.live_allocations(p.account_id, p_payment_id => p.id) l
    join public.invoices i on i.account_id = l.account_id and i.id = l.invoice_id
    where p.id = p_payment_id and i.order_id is not null);
end $$;
comment on function ledger.orders_of_payment(uuid) is 'The orders that a payment pays, directly or by their invoices.';

/*
 * Locks a payment to undo it, with all it pays: the orders by id, the account, the payment, the invoices by id.
 * Which orders those are can change until the account is locked. An order that came
 * to them meanwhile would have to be locked before the account, so then the locks are let go and taken anew.
 */
create function ledger.lock_payment(p_payment_id uuid)
returns ledger.locked_payment
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_seen uuid[];
  v_locked ledger.locked_payment;
begin
  loop
    begin
      v_seen := ledger.orders_of_payment(p_payment_id);
      perform from public.orders o where o.id = any (v_seen) order by o.id for no key update;
      select a into v_locked.account
      from public.accounts a
      where a.id = (select p.account_id from public.payments p where p.id = p_payment_id)
      for no key update;
      v_locked.order_ids := ledger.orders_of_payment(p_payment_id);
      if not v_locked.order_ids <@ v_seen then
        raise exception using errcode = 'OL001', message = 'the payment was allocated to another order meanwhile';
      end if;
      select p into v_locked.payment
      from public.payments p
      where p.account_id = (v_locked.account).id and p.id = p_payment_id
      for no key update;
      perform from public.invoices i
      where i.account_id = (v_locked.account).id
        and i.id in (select l.invoice_id from ledger.live_allocations((v_locked.account).id, p_payment_id => p_payment_id) l)
      order by i.id
      for no key update;
      return v_locked;
    exception when sqlstate 'OL001' then
      null;
    end;
  end loop;
end $$;
comment on function ledger.lock_payment(uuid) is 'A payment, locked with its orders, account and invoices; of nulls when there is none.';
