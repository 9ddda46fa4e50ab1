/*
 * Receives what arrives: the money first, where it goes back now (it may be refused, before anything is
 * written), then the goods into stock or written off. Accounts are locked before stock, as everywhere.
 */
create function ledger.receive_return(
  p_order public.orders, p_return_id uuid, p_lines jsonb, p_refund boolean, p_to text, p_notes text,
  p_actor ledger.actor, p_correlation_id uuid)
returns ledger.order_change
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_arriving ledger.arriving_line[];
  v_change ledger.order_change;
  v_variant_ids uuid[];
  v_quantities bigint[];
begin
  v_arriving := array(select a from ledger.arriving_lines(p_order, p_return_id, p_lines) a);
  v_change.order_status := p_order.status;
  v_change.payment_status := p_order.payment_status;

  -- money
  if p_refund then
    v_change := ledger.take_back(
      p_order, (select jsonb_agg(jsonb_build_object('line_number', a.line_number, 'quantity', a.restocked_quantity + a.written_off_quantity))
                from unnest(v_arriving) a),
      0, 0, p_to, p_actor, coalesce(p_notes, 'returned goods arrived'), p_correlation_id, p_return_id => p_return_id);
    if v_change.refusal is not null then
      return v_change;
    end if;
  end if;

  -- goods
  select array_agg(g.variant_id order by g.variant_id), array_agg(g.quantity order by g.variant_id)
  into v_variant_ids, v_quantities
  from (select a.variant_id, sum(a.restocked_quantity)::bigint as quantity
        from unnest(v_arriving) a
        where a.restocked_quantity > 0
        group by a.variant_id) g;
  if v_variant_ids is not null then
    perform ledger.lock_stock_to_return(v_variant_ids);
    perform ledger.restock(v_variant_ids, v_quantities, 'return_restocked', p_actor, p_order.id, p_correlation_id);
  end if;
  update public.return_lines l set
    restocked_quantity = l.restocked_quantity + a.restocked_quantity,
    written_off_quantity = l.written_off_quantity + a.written_off_quantity,
    refunded_quantity = l.refunded_quantity
      + case when p_refund then a.restocked_quantity + a.written_off_quantity else a.refunded_before_quantity end
  from unnest(v_arriving) a
  where l.account_id = p_order.account_id and l.return_id = p_return_id and l.line_number = a.line_number;
  return v_change;
end $$;
comment on function ledger.receive_return(public.orders, uuid, jsonb, boolean, text, text, ledger.actor, uuid) is
  'Books the arrival of checked lines of an approved return: refund (when p_refund), stock, return lines. The order is locked by the caller.';
