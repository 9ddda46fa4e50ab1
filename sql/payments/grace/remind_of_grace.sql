/*
 * One message per deadline, grace_reminder_hours before it passes; an extension makes it a new one. It locks
 * the deadlines alone, and waits for nobody: what somebody is just at is reminded of by the next run.
 */
create function ledger.remind_of_grace(p_limit integer default 1000)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before interval := make_interval(hours => ledger.setting_text('grace_reminder_hours')::integer);
  v_count integer;
begin
  perform set_config('ledger.procedure', 'remind_of_grace', true);
  with due as (
    select d.order_id
    from public.payment_deadlines d
    join public.orders o on o.account_id = d.account_id and o.id = d.order_id
    where d.status = 'open' and d.reminded_at is null and o.payment_status = 'in_grace'
      and d.due_at > clock_timestamp() and d.due_at <= clock_timestamp() + v_before
    order by d.due_at
    limit p_limit
    for no key update of d skip locked),
  marked as (
    update public.payment_deadlines d set reminded_at = clock_timestamp()
    from due
    where d.order_id = due.order_id
    returning d.order_id, d.account_id, d.due_at)
  insert into ledger.outbox (account_id, type, payload)
  select m.account_id, 'order.payment_reminder', jsonb_build_object(
    'order_id', o.id, 'order_number', o.order_number, 'user_id', o.user_id, 'currency', o.currency, 'due_at', m.due_at,
    'outstanding_amount', o.outstanding_amount)
  from marked m
  join public.orders o on o.account_id = m.account_id and o.id = m.order_id;
  get diagnostics v_count = row_count;
  perform set_config('ledger.procedure', '', true);
  return v_count;
end $$;
comment on function ledger.remind_of_grace(integer) is
  'Job: queues order.payment_reminder once for each deadline that passes within the setting grace_reminder_hours; answers how many.';
