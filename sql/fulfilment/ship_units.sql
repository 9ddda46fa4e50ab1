/* The steps of shipping, which ledger_ship_order and every status change to shipped or delivered share. */

/* A moment as clients write it, or null where it is none. */
create function ledger.moment(p_text text)
returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when p_text ~ '^\d{4}-\d{2}-\d{2}' then p_text::timestamptz end;
exception when data_exception then
  return null;
end $$;
comment on function ledger.moment(text) is 'A text of ISO 8601 as a moment; null when it is none.';

/* What may be said of a parcel in metadata, and not otherwise: carrier, tracking_number, estimated_delivery_at, delivered_at. */
create function ledger.refuse_parcel(p_order public.orders, p_metadata jsonb)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_problem text;
begin
  if not coalesce(p_metadata ?| '{carrier,tracking_number,estimated_delivery_at,delivered_at}', false) then
    return null;
  end if;
  v_problem := case
    when jsonb_typeof(p_metadata -> 'carrier') not in ('string', 'null') or length(p_metadata ->> 'carrier') not between 1 and 100 then
      'carrier is a text of 1 to 100 characters'
    when jsonb_typeof(p_metadata -> 'tracking_number') not in ('string', 'null') or length(p_metadata ->> 'tracking_number') not between 1 and 200 then
      'tracking_number is a text of 1 to 200 characters'
    when jsonb_typeof(p_metadata -> 'estimated_delivery_at') not in ('string', 'null')
      or (p_metadata ->> 'estimated_delivery_at' is not null and ledger.moment(p_metadata ->> 'estimated_delivery_at') is null) then
      'estimated_delivery_at is a moment such as 2026-01-31T12:00:00Z'
    when jsonb_typeof(p_metadata -> 'delivered_at') not in ('string', 'null')
      or (p_metadata ->> 'delivered_at' is not null
          and coalesce(ledger.moment(p_metadata ->> 'delivered_at') not between p_order.created_at and clock_timestamp(), true)) then
      'delivered_at is a moment such as 2026-01-31T12:00:00Z, after the order was placed and not in the future'
  end;
  return case when v_problem is not null then
    ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_metadata', 'problem', v_problem)) end;
end $$;
comment on function ledger.refuse_parcel(public.orders, jsonb) is 'The refusal for what metadata says of a parcel in the wrong shape, or null.';

/* Sends units of an order's lines in one shipment. p_effect: what the event says of the account, where a transaction goes with it. */
create function ledger.ship_units(
  p_order public.orders, p_line_numbers integer[], p_quantities bigint[], p_actor ledger.actor, p_correlation_id uuid,
  p_metadata jsonb, p_delivered_at timestamptz default null, p_effect jsonb default '{}')
returns public.shipments
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_shipment public.shipments;
begin
  insert into public.shipments as s
    (account_id, order_id, shipment_number, carrier, tracking_number, estimated_delivery_at, metadata, shipped_by, delivered_at)
  values
    (p_order.account_id, p_order.id,
     (select coalesce(max(n.shipment_number), 0) + 1 from public.shipments n where n.order_id = p_order.id),
     p_metadata ->> 'carrier', p_metadata ->> 'tracking_number', ledger.moment(p_metadata ->> 'estimated_delivery_at'),
     coalesce(p_metadata, '{}') - '{carrier,tracking_number,estimated_delivery_at,delivered_at}'::text[],
     p_actor.user_id, p_delivered_at)
  returning s.* into v_shipment;
  insert into public.shipment_lines (shipment_id, line_number, account_id, order_id, quantity)
  select v_shipment.id, l.line_number, p_order.account_id, p_order.id, l.quantity
  from unnest(p_line_numbers, p_quantities) l (line_number, quantity);

  perform ledger.record_operation('order.shipment_created', 'order', p_order.id, p_order.account_id,
    p_effect || jsonb_build_object(
      'order_number', p_order.order_number, 'user_id', p_order.user_id, 'shipment_id', v_shipment.id,
      'shipment_number', v_shipment.shipment_number, 'carrier', v_shipment.carrier,
      'tracking_number', v_shipment.tracking_number, 'estimated_delivery_at', v_shipment.estimated_delivery_at,
      'delivered_at', v_shipment.delivered_at,
      'lines', (select jsonb_agg(jsonb_build_object('line_number', l.line_number, 'quantity', l.quantity) order by l.line_number)
                from unnest(p_line_numbers, p_quantities) l (line_number, quantity))),
    p_actor, p_correlation_id);
  return v_shipment;
end $$;
comment on function ledger.ship_units(public.orders, integer[], bigint[], ledger.actor, uuid, jsonb, timestamptz, jsonb) is
  'Writes a shipment of these units with its event; the order is locked and the units are checked by the caller.';

/* Marks one open shipment of an order as delivered, or all of them; answers how many. */
create function ledger.deliver_shipments(
  p_order public.orders, p_shipment_id uuid, p_delivered_at timestamptz, p_actor ledger.actor, p_correlation_id uuid)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_shipment public.shipments;
  v_count integer := 0;
begin
  for v_shipment in
    update public.shipments s set delivered_at = p_delivered_at
    where s.account_id = p_order.account_id and s.order_id = p_order.id and s.delivered_at is null
      and (p_shipment_id is null or s.id = p_shipment_id)
    returning s.*
  loop
    perform ledger.record_operation('order.shipment_delivered', 'order', p_order.id, p_order.account_id,
      jsonb_build_object('order_number', p_order.order_number, 'user_id', p_order.user_id, 'shipment_id', v_shipment.id,
        'shipment_number', v_shipment.shipment_number, 'delivered_at', v_shipment.delivered_at),
      p_actor, p_correlation_id);
    v_count := v_count + 1;
  end loop;
  return v_count;
end $$;
comment on function ledger.deliver_shipments(public.orders, uuid, timestamptz, ledger.actor, uuid) is
  'Marks an open shipment of a locked order (all of them when null) as delivered, each with its event; answers how many.';
