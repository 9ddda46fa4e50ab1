/* Write steps of ledger_edit_order that have a name of their own. */

/* The lines as they are from now on; line numbers tell which are gone, changed and new. */
create function ledger.write_edited_lines(p_order public.orders, p_edit ledger.edited_order)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from public.order_items i
  where i.account_id = p_order.account_id and i.order_id = p_order.id
    and i.line_number <> all (select l.line_number from unnest(p_edit.lines) l);
  update public.order_items i set
    quantity = l.quantity,
    total_price_amount = l.total_price_amount,
    discount_amount = l.discount_amount,
    tax_amount = l.tax_amount
  from unnest(p_edit.lines) l
  where i.account_id = p_order.account_id and i.order_id = p_order.id and i.line_number = l.line_number
    and (i.quantity, i.discount_amount, i.tax_amount) <> (l.quantity, l.discount_amount, l.tax_amount);
  insert into public.order_items
    (account_id, order_id, line_number, variant_id, vendor_id, product_name, product_sku, variant_name, quantity,
     unit_price_amount, total_price_amount, discount_amount, tax_rate_bp, tax_amount, platform_rate_bp)
  select p_order.account_id, p_order.id, l.line_number, l.variant_id, l.vendor_id, l.product_name, l.product_sku, l.variant_name,
         l.quantity, l.unit_price_amount, l.total_price_amount, l.discount_amount, l.tax_rate_bp, l.tax_amount, l.platform_rate_bp
  from unnest(p_edit.lines) l
  where not exists (select from unnest(p_edit.lines_before) b where b.line_number = l.line_number);
end $$;
comment on function ledger.write_edited_lines(public.orders, ledger.edited_order) is 'Writes the lines of an edited order.';

/* The redemption of the order's discount code follows its discount; a code that no longer applies is free again. */
create function ledger.write_edited_discount(p_order public.orders, p_edit ledger.edited_order)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_edit.keeps_discount then
    update public.discount_redemptions r set amount = p_edit.discount_amount
    where r.order_id = p_order.id and r.amount <> p_edit.discount_amount;
  elsif p_order.discount_code_id is not null then
    update public.discount_usage u set redemptions = u.redemptions - 1 where u.discount_code_id = p_order.discount_code_id;
    update public.discount_redemptions r set released_at = clock_timestamp() where r.order_id = p_order.id;
  end if;
end $$;
comment on function ledger.write_edited_discount(public.orders, ledger.edited_order) is
  'Sets the redemption of an edited order right, or gives it back. The code''s counter is the last lock.';

/* The order's row with its new totals and what was taken or given back; answers it. */
create function ledger.write_edited_order(p_order public.orders, p_edit ledger.edited_order, p_money ledger.edit_money)
returns public.orders
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
begin
  update public.orders o set
    subtotal_amount = p_edit.subtotal_amount,
    discount_amount = p_edit.discount_amount,
    tax_amount = p_edit.tax_amount,
    total_amount = p_edit.total_amount,
    discount_code_id = case when p_edit.keeps_discount then o.discount_code_id end,
    wallet_amount = o.wallet_amount + p_money.taken_amount,
    paid_amount = o.paid_amount + p_money.taken_amount,
    refunded_amount = o.refunded_amount + p_money.returned_amount,
    wallet_refunded_amount = o.wallet_refunded_amount + p_money.wallet_amount,
    payment_status = ledger.payment_status_of(p_edit.total_amount, o.credited_amount, o.paid_amount + p_money.taken_amount,
                                              o.refunded_amount + p_money.returned_amount, ledger.payment_status_kept(o)),
    version = o.version + 1,
    updated_at = clock_timestamp()
  where o.account_id = p_order.account_id and o.id = p_order.id
  returning o.* into v_order;
  return v_order;
end $$;
comment on function ledger.write_edited_order(public.orders, ledger.edited_order, ledger.edit_money) is
  'Writes the totals and the payment side of an edited order; answers the new row.';

/* What goes back of an edited order is a refund that takes nothing back; answers its id, null when nothing goes back. */
create function ledger.write_edit_refund(p_order public.orders, p_money ledger.edit_money, p_to text, p_reason text, p_actor ledger.actor)
returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_refund_id uuid := ledger.uuid_v7();
begin
  if p_money.returned_amount = 0 then
    return null;
  end if;
  insert into public.refunds
    (id, account_id, order_id, currency, wallet_amount, credit_amount, payout_amount, payout_status, destination, reason, actor_id)
  values
    (v_refund_id, p_order.account_id, p_order.id, p_order.currency, p_money.wallet_amount, p_money.credit_amount, p_money.payout_amount,
     case when p_money.payout_amount > 0 then 'pending' else 'none' end, p_to, p_reason, p_actor.user_id);
  return v_refund_id;
end $$;
comment on function ledger.write_edit_refund(public.orders, ledger.edit_money, text, text, ledger.actor) is
  'Records the money that an edit gives back; what is to be paid out waits for ledger_settle_refund.';

create function ledger.edit_legs(p_money ledger.edit_money)
returns ledger.posting_leg[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return row('wallet', 'order_escrow', p_money.taken_amount)::ledger.posting_leg
         || ledger.return_legs(row(p_money.wallet_amount, p_money.credit_amount, p_money.payout_amount)::ledger.returned_money);
end $$;
comment on function ledger.edit_legs(ledger.edit_money) is 'Postings of what an edit takes and gives back; the order is not delivered.';
