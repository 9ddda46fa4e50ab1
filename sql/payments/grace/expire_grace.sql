/* What becomes of an order whose grace period has passed; whatever it may lock is locked. */

/* Whether it can be cancelled: the shop wants that, nothing of it has left the house, and its status allows it. */
create function ledger.expires_as_cancelled(p_order public.orders)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return ledger.setting_text('grace_expiry') = 'cancel'
    and p_order.status in ('pending', 'confirmed', 'processing')
    and not exists (select from ledger.shipped_units(p_order.id))
    and ledger.refuse_transition(p_order, 'cancelled') is null;
end $$;
comment on function ledger.expires_as_cancelled(public.orders) is 'Whether a locked order is cancelled when its grace period passes.';

/* The order is in grace no longer, and overdue until it is paid or put off. */
create function ledger.flag_overdue(p_order public.orders, p_actor ledger.actor, p_problem text default null)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
  v_due_at timestamptz;
  v_transaction public.transactions;
  v_correlation_id uuid := ledger.correlation_id();
begin
  update public.orders o set
    payment_status = ledger.payment_status_of(o.total_amount, o.credited_amount, o.paid_amount, o.refunded_amount),
    version = o.version + 1,
    updated_at = clock_timestamp()
  where o.account_id = p_order.account_id and o.id = p_order.id
  returning o.* into v_order;
  update public.payment_deadlines d set status = 'overdue', expired_at = clock_timestamp(), updated_at = clock_timestamp()
  where d.account_id = p_order.account_id and d.order_id = p_order.id
  returning d.due_at into v_due_at;
  v_transaction := ledger.write_transaction(
    p_order.account_id, 'grace_ended', p_actor, 'not paid in time', v_correlation_id, p_order_id => p_order.id);
  perform ledger.record_operation('order.grace_ended', 'order', p_order.id, p_order.account_id,
    ledger.balance_effect(v_transaction) || jsonb_build_object(
      'order_number', p_order.order_number, 'user_id', p_order.user_id, 'currency', p_order.currency, 'due_at', v_due_at,
      'order_status', v_order.status, 'payment_status', v_order.payment_status, 'outstanding_amount', v_order.outstanding_amount,
      'problem', p_problem),
    p_actor, v_correlation_id);
end $$;
comment on function ledger.flag_overdue(public.orders, ledger.actor, text) is
  'Takes a locked order out of its grace period and marks its deadline overdue; p_problem: why it was not cancelled though it should be.';

/* One order; answers whether its time was over. A payment, an extension or an ending may have come first. */
create function ledger.expire_order(p_order_id uuid, p_actor ledger.actor)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
  v_change ledger.order_change;
begin
  select o.* into v_order
  from public.orders o
  join public.payment_deadlines d on d.account_id = o.account_id and d.order_id = o.id
  where o.id = p_order_id and o.payment_status = 'in_grace' and d.status = 'open' and d.due_at <= clock_timestamp();
  if not found then
    return false;
  end if;
  perform set_config('ledger.procedure', 'expire_grace', true);
  if ledger.expires_as_cancelled(v_order) then
    begin
      v_change := ledger.apply_order_status(v_order, 'cancelled', p_actor, 'not paid in time', '{}');
    exception when raise_exception or integrity_constraint_violation or data_exception or insufficient_privilege then
      v_change.refusal := jsonb_build_object('error_message', sqlerrm);
    end;
    if v_change.refusal is not null then
      perform ledger.flag_overdue(v_order, p_actor, v_change.refusal ->> 'error_message');
    else
      update public.payment_deadlines d set expired_at = clock_timestamp(), updated_at = clock_timestamp()
      where d.account_id = v_order.account_id and d.order_id = v_order.id;
    end if;
  else
    perform ledger.flag_overdue(v_order, p_actor);
  end if;
  perform set_config('ledger.procedure', '', true);
  return true;
end $$;
comment on function ledger.expire_order(uuid, ledger.actor) is
  'Cancels or flags a locked order whose grace period is over; answers whether it was. One that cannot be cancelled is flagged.';

/* Of the orders that there is an alert about: those that somebody is just at, or that are still to be ended. */
create function ledger.orders_still_in_grace()
returns text[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return array(
    select a.subject
    from public.alerts a
    join public.orders o on o.order_number = a.subject and o.payment_status = 'in_grace'
    join public.payment_deadlines d on d.account_id = o.account_id and d.order_id = o.id and d.status = 'open' and d.due_at <= clock_timestamp()
    where a.rule_code = 'grace_not_ended' and a.status <> 'resolved');
end $$;
comment on function ledger.orders_still_in_grace() is 'Numbers of the orders with an alert grace_not_ended whose grace period is over and that are still in it.';

/*
 * The orders whose time is over, the longest over first; those that could not be ended before come last, and
 * keep nobody from being ended. One that somebody is just at is passed over, and
 * looked at again by the next run; so is one with a receipt that is looked at, until that is done. All that
 * their cancelling may lock is locked first, in the one order of locks, as for a bulk change; then each
 * is a step of its own, and one that fails does not stop the rest. Two runs at once take different orders.
 */
create function ledger.expire_grace(p_limit integer default 200)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor := ledger.current_actor();
  v_order_ids uuid[];
  v_order_id uuid;
  v_count integer := 0;
  v_is_over boolean := false;
begin
  -- lock: orders, then accounts, stock and discount counters
  select array_agg(w.id) into v_order_ids
  from (select o.id
        from public.payment_deadlines d
        join public.orders o on o.account_id = d.account_id and o.id = d.order_id
        where d.status = 'open' and d.due_at <= clock_timestamp() and o.payment_status = 'in_grace'
        order by exists (select from public.alerts a
                         where a.rule_code = 'grace_not_ended' and a.subject = o.order_number and a.status <> 'resolved'), d.due_at
        limit p_limit
        for no key update of o skip locked) w;
  if v_order_ids is null then
    perform ledger.resolve_alerts('grace_not_ended', ledger.orders_still_in_grace());
    return 0;
  end if;
  perform ledger.lock_for_bulk_change(v_order_ids, case ledger.setting_text('grace_expiry') when 'cancel' then 'cancelled' else 'confirmed' end);

  -- write and record
  foreach v_order_id in array v_order_ids loop
    begin
      v_count := v_count + ledger.expire_order(v_order_id, v_actor)::integer;
    exception when query_canceled or assert_failure or others then
      v_is_over := sqlstate = '57014';
      perform ledger.raise_alert(
        'grace_not_ended', (select o.order_number from public.orders o where o.id = v_order_id), 1,
        jsonb_build_object('order_id', v_order_id, 'error', sqlerrm, 'sqlstate', sqlstate));
    end;
    -- the time limit of the job does not come twice
    exit when v_is_over;
  end loop;
  perform ledger.resolve_alerts('grace_not_ended', ledger.orders_still_in_grace());
  return v_count;
end $$;
comment on function ledger.expire_grace(integer) is
  'Job: cancels (setting grace_expiry = cancel, when nothing of it has left the house) or flags the orders whose grace period has passed with something due; answers how many. One that it cannot end is an alert (grace_not_ended) until it can.';
