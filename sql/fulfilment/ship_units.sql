/* The steps of shipping, which ledger_ship_order and every status change to shipped or delivered share. */

/* A moment as clients write it, or null where it is none. */
create function ledger.moment(p_text text)
returns timestamptz
language plpgsql stable strict
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when p_text ~ '^\d{4}-\d{2}-\d{2}' then p_text::timestamptz end;
exception when data_exception then
  return null;
end $$;
comment on function ledger.moment(text) is 'A text of ISO 8601 as a moment; null when it is none.';

/* What may be said of a parcel in metadata, and not otherwise: carrier, tracking_number, estimated_delivery_at, delivered_at. */
create function ledger.refuse_parcel(p_ordered_at timestamptz, p_metadata jsonb)
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
          and coalesce(ledger.moment(p_metadata ->> 'delivered_at') not between p_ordered_at and clock_timestamp(), true)) then
      'delivered_at is a moment such as 2026-01-31T12:00:00Z, after the order was placed and not in the future'
  end;
  return case when v_problem is not null then
    ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_metadata', 'problem', v_problem)) end;
end $$;
comment on function ledger.refuse_parcel(timestamptz, jsonb) is 'The refusal for what metadata says of a parcel of an order of that moment in the wrong shape, or null.';

/*
 * Sends units of an order's lines in one shipment; answers what its event says. The order is locked and the
 * units, [{"line_number", "quantity"}], are checked by the caller, who knows which number is next and records the event.
 */
create function ledger.ship_units(
  p_account_id uuid, p_order_id uuid, p_order_number text, p_user_id uuid, p_shipment_number integer, p_units jsonb,
  p_actor_id uuid, p_metadata jsonb, p_delivered_at timestamptz default null)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_shipment_id uuid;
  v_payload jsonb;
begin
  insert into public.shipments as s
    (account_id, order_id, shipment_number, carrier, tracking_number, estimated_delivery_at, metadata, shipped_by, delivered_at)
  values
    (p_account_id, p_order_id, p_shipment_number, p_metadata ->> 'carrier', p_metadata ->> 'tracking_number',
     ledger.moment(p_metadata ->> 'estimated_delivery_at'),
     coalesce(p_metadata, '{}') - '{carrier,tracking_number,estimated_delivery_at,delivered_at}'::text[], p_actor_id, p_delivered_at)
  returning s.id, jsonb_build_object(
    'order_number', p_order_number, 'user_id', p_user_id, 'shipment_id', s.id, 'shipment_number', s.shipment_number,
    'carrier', s.carrier, 'tracking_number', s.tracking_number, 'estimated_delivery_at', s.estimated_delivery_at,
    'delivered_at', s.delivered_at, 'lines', p_units)
  into v_shipment_id, v_payload;
  insert into public.shipment_lines (shipment_id, line_number, account_id, order_id, quantity)
  select v_shipment_id, u.line_number, p_account_id, p_order_id, u.quantity
  from jsonb_to_recordset(p_units) u (line_number integer, quantity bigint);
  return v_payload;
end $$;
comment on function ledger.ship_units(uuid, uuid, text, uuid, integer, jsonb, uuid, jsonb, timestamptz) is
  'Writes a shipment of these units; answers the payload of order.shipment_created, which the caller records.';

/* Marks one open shipment of an order as delivered, or all of them; answers the events of that for the caller to record. */
create function ledger.deliver_shipments(
  p_account_id uuid, p_order_id uuid, p_order_number text, p_user_id uuid, p_shipment_id uuid, p_delivered_at timestamptz)
returns ledger.event_draft[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_events ledger.event_draft[];
begin
  with delivered as (
    update public.shipments s set delivered_at = p_delivered_at
    where s.account_id = p_account_id and s.order_id = p_order_id and s.delivered_at is null
      and (p_shipment_id is null or s.id = p_shipment_id)
    returning s.id, s.shipment_number, s.delivered_at)
  select array_agg(row('order.shipment_delivered', 'order', p_order_id, p_account_id,
    jsonb_build_object('order_number', p_order_number, 'user_id', p_user_id, 'shipment_id', d.id,
                       'shipment_number', d.shipment_number, 'delivered_at', d.delivered_at), null)::ledger.event_draft
    order by d.shipment_number)
  into v_events
  from delivered d;
  return v_events;
end $$;
comment on function ledger.deliver_shipments(uuid, uuid, text, uuid, uuid, timestamptz) is
  'Marks an open shipment of a locked order (all of them when p_shipment_id is null) as delivered; answers an event for each, which the caller records, or null.';
