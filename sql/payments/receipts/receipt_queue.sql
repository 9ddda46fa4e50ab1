/* What waits for finance. Lists are asked oldest first: `order by submitted_at, receipt_id`. */
create view public.receipt_queue
with (security_invoker = true)
as
  select r.id as receipt_id, r.submitted_at, clock_timestamp() - r.submitted_at as age,
         clock_timestamp() >= r.submitted_at + make_interval(hours => (
           select (s.value #>> '{}')::integer from public.settings s where s.key = 'receipt_review_hours')) as is_late,
         r.account_id, r.user_id, p.display_name as customer_name, r.currency, r.amount, r.reference, r.paid_on, r.storage_path, r.notes, r.submitted_by,
         r.order_id, m.order_number, m.status as order_status, m.payment_status, m.stage, m.amount_due as order_amount_due,
         r.invoice_id, i.invoice_number, b.remaining_amount as invoice_remaining_amount
  from public.payment_receipts r
  left join public.profiles p on p.id = r.user_id
  left join public.order_management m on m.order_id = r.order_id
  left join public.invoices i on i.id = r.invoice_id
  left join public.invoice_balance_cache b on b.invoice_id = r.invoice_id
  where r.status = 'submitted'
  order by r.submitted_at, r.id;
revoke all on public.receipt_queue from anon, authenticated, service_role;
grant select on public.receipt_queue to authenticated, service_role;
comment on view public.receipt_queue is
  'Receipts under review, oldest first, with what they are for; amounts in minor units. Who reviews sees all, a customer their own; is_late after receipt_review_hours.';

/*
 * One message for each receipt that lies too long since it was last sent, once. A receipt that is being
 * reviewed just now is passed over; the next run finds it if it still waits.
 */
create function ledger.alert_late_receipts()
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count integer;
begin
  perform set_config('ledger.procedure', 'alert_late_receipts', true);
  with late as (
    select r.account_id, r.id
    from public.payment_receipts r
    where r.status = 'submitted' and r.alerted_at is null
      and r.submitted_at <= clock_timestamp() - make_interval(hours => ledger.setting_text('receipt_review_hours')::integer)
    order by r.submitted_at, r.id
    for no key update skip locked),
  marked as (
    update public.payment_receipts r set alerted_at = clock_timestamp(), updated_at = clock_timestamp()
    from late l
    where r.account_id = l.account_id and r.id = l.id
    returning r.*),
  told as (
    insert into ledger.outbox (account_id, type, payload)
    select m.account_id, 'receipt.late', jsonb_build_object('receipt_id', m.id, 'order_id', m.order_id, 'invoice_id', m.invoice_id,
      'receipt_amount', m.amount, 'currency', m.currency, 'submitted_at', m.submitted_at)
    from marked m
    returning id)
  select count(*) into v_count from told;
  perform set_config('ledger.procedure', '', true);
  return v_count;
end $$;
comment on function ledger.alert_late_receipts() is
  'Job: queues a message receipt.late for every receipt under review for longer than the setting receipt_review_hours, once each time it was sent; answers how many.';
