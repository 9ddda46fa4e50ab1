/* What has happened to an order: most that are cancelled have none of it, and steps that have nothing to do then are left out. */
create type ledger.order_past as (
  is_refunded boolean,
  is_shipped boolean,
  is_returned boolean,
  awaits_stock boolean,
  is_invoiced boolean,
  has_deadline boolean,
  gave_commission boolean,
  gave_vendors boolean,
  customer_is_erased boolean
);
comment on type ledger.order_past is
  'Whether an order has refunds, shipments, returns, open backorders, a live invoice, a payment deadline; whether its delivery gave a commission or vendors'' shares; whether its customer was erased.';

create function ledger.past_of_order(p_order_id uuid, p_user_id uuid, p_was_delivered boolean)
returns ledger.order_past
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_past ledger.order_past;
begin
  select exists (select from public.refunds f where f.order_id = p_order_id) as is_refunded,
         exists (select from public.shipment_lines s where s.order_id = p_order_id) as is_shipped,
         false as is_returned,
         exists (select from public.backorders b where b.order_id = p_order_id and b.open_quantity > 0) as awaits_stock,
         exists (select from public.invoices i where i.order_id = p_order_id and i.kind = 'invoice' and i.status = 'issued') as is_invoiced,
         exists (select from public.payment_deadlines d where d.order_id = p_order_id) as has_deadline,
         false as gave_commission,
         false as gave_vendors,
         exists (select from public.profiles p where p.id = p_user_id and p.erased_at is not null) as customer_is_erased
  into v_past;
  -- nothing comes back before something went out; who earned by a delivery is asked where its accounts are locked
  if p_was_delivered or v_past.is_shipped then
    select exists (select from public.returns r where r.order_id = p_order_id),
           p_was_delivered and exists (select from public.referral_commissions c where c.order_id = p_order_id),
           p_was_delivered and exists (select from public.vendor_earnings e where e.order_id = p_order_id)
    into v_past.is_returned, v_past.gave_commission, v_past.gave_vendors;
  end if;
  return v_past;
end $$;
comment on function ledger.past_of_order(uuid, uuid, boolean) is
  'What has happened to an order of p_user_id so far. Order and account are locked by the caller, and slot 0 of the variants where open backorders matter.';
