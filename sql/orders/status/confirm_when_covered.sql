/*
 * A pending order that is covered by now becomes confirmed: where the setting auto_confirm_when_paid
 * says so (source 004, AUTO_CONFIRM_ORDERS) if p_confirm is null, always or never if it is true or false.
 * Of nulls when the order stays as it is. The order and its account are locked.
 */
create function ledger.confirm_when_covered(p_order public.orders, p_actor ledger.actor, p_confirm boolean default null)
returns ledger.order_change
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_order.status <> 'pending' or p_order.amount_due > 0
     or not coalesce(p_confirm, ledger.setting_text('auto_confirm_when_paid')::boolean)
     or ledger.refuse_transition(p_order, 'confirmed') is not null then
    return null;
  end if;
  return ledger.apply_order_status(p_order, 'confirmed', p_actor, 'confirmed when it was paid', '{}');
end $$;
comment on function ledger.confirm_when_covered(public.orders, ledger.actor, boolean) is
  'Confirms a locked pending order that nothing is due for, if the shop or the caller (p_confirm) wants that; what it did, or nulls.';
