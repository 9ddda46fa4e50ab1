/*
 * A status change straight to shipped or delivered sends what is left in one shipment, so that what
 * is out is always the sum of shipment lines, whichever way an order went.
 */
create function ledger.refuse_ship_rest(p_order public.orders, p_to text, p_metadata jsonb)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_line ledger.shippable_line;
begin
  if p_to not in ('shipped', 'delivered') then
    return null;
  end if;
  if exists (select from ledger.open_backorders(p_order.id)) then
    select s.* into v_line
    from ledger.shippable_lines(p_order) s
    where s.backordered_quantity > 0
    order by s.line_number
    limit 1;
    if found then
      return ledger.refuse_units(v_line, v_line.quantity - v_line.shipped_quantity);
    end if;
  end if;
  return ledger.refuse_parcel(p_order, p_metadata);
end $$;
comment on function ledger.refuse_ship_rest(public.orders, text, jsonb) is
  'The refusal for a status change to shipped or delivered of an order with open backorders, or with metadata that says of the parcel what cannot be; null else.';

/* The refusal for more units of a line than can go out. */
create function ledger.refuse_units(p_line ledger.shippable_line, p_requested bigint)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return ledger.refuse('units_not_shippable', jsonb_build_object(
    'line', p_line.line_number, 'name', p_line.name, 'requested', p_requested, 'shippable', p_line.shippable_quantity,
    'quantity', p_line.quantity, 'shipped', p_line.shipped_quantity, 'backordered', p_line.backordered_quantity));
end $$;
comment on function ledger.refuse_units(ledger.shippable_line, bigint) is 'The refusal for shipping more units of a line than can go out.';

create function ledger.ship_rest(
  p_order public.orders, p_to text, p_actor ledger.actor, p_correlation_id uuid, p_metadata jsonb)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_delivered_at timestamptz := case when p_to = 'delivered' then
    coalesce(ledger.moment(p_metadata ->> 'delivered_at'), clock_timestamp()) end;
  v_line_numbers integer[];
  v_quantities bigint[];
begin
  if p_to = 'delivered' then
    perform ledger.deliver_shipments(p_order, null, v_delivered_at, p_actor, p_correlation_id);
  end if;
  select array_agg(s.line_number order by s.line_number), array_agg(s.shippable_quantity order by s.line_number)
  into v_line_numbers, v_quantities
  from ledger.shippable_lines(p_order) s
  where s.shippable_quantity > 0;
  if v_line_numbers is null then
    return 0;
  end if;
  perform ledger.ship_units(p_order, v_line_numbers, v_quantities, p_actor, p_correlation_id, p_metadata, v_delivered_at);
  return 1;
end $$;
comment on function ledger.ship_rest(public.orders, text, ledger.actor, uuid, jsonb) is
  'Ships what is left of an order that becomes shipped or delivered, and with delivered marks all its shipments as arrived. metadata.carrier, tracking_number, estimated_delivery_at and delivered_at are taken when given. Answers how many shipments it made. Open backorders were refused before (ledger.refuse_ship_rest).';
