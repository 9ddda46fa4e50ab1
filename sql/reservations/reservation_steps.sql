/* What ends a reservation: an order that consumes it, its customer, or time. */

/* Why a reservation cannot be used by this customer, or null. The caller holds its row. */
create function ledger.refuse_reservation(p_reservation public.stock_reservations, p_asked uuid)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when p_reservation.id is null then ledger.refuse('reservation_not_found', jsonb_build_object('reservation_id', p_asked))
    when p_reservation.status in ('consumed', 'released') then
      ledger.refuse('reservation_conflict', jsonb_build_object('reservation_id', p_asked, 'status', p_reservation.status))
    when p_reservation.status = 'expired' or p_reservation.expires_at <= clock_timestamp() then
      ledger.refuse('reservation_expired', jsonb_build_object('reservation_id', p_asked, 'expires_at', p_reservation.expires_at))
  end;
end $$;
comment on function ledger.refuse_reservation(public.stock_reservations, uuid) is 'The refusal for a reservation that is not there, used or over; null when it can be used.';

/* Ends reservations without an order: locks their stock, frees what they hold, records each. The caller holds their rows. */
create function ledger.free_reservations(p_reservation_ids uuid[], p_status text, p_actor ledger.actor)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  v_variant_ids uuid[];
  v_slots smallint[];
  v_held bigint[];
  v_correlation_id uuid := ledger.correlation_id();
  v_reservation record;
  v_count integer := 0;
begin
  -- lock: stock, slot 0 too
  select array_agg(g.variant_id), array_agg(g.slot), array_agg(-g.quantity) into v_variant_ids, v_slots, v_held
  from (select l.variant_id, l.slot, sum(l.quantity)::bigint as quantity
        from public.stock_reservation_lines l
        where l.reservation_id = any (p_reservation_ids)
        group by l.variant_id, l.slot) g;
  perform from public.stock_levels s
  where s.variant_id = any (v_variant_ids)
    and (s.slot = 0 or exists (select from unnest(v_variant_ids, v_slots) u (variant_id, slot) where u.variant_id = s.variant_id and u.slot = s.slot))
  order by s.variant_id, s.slot
  for no key update;

  -- write and record
  if v_variant_ids is not null then
    perform ledger.move_in_slots(v_variant_ids, v_slots, array_fill(0::bigint, array[cardinality(v_slots)]), v_held, null, p_actor);
    perform ledger.pass_on_freed_units(v_variant_ids, v_slots, p_actor, v_correlation_id);
  end if;
  for v_reservation in
    update public.stock_reservations r set status = p_status, ended_at = clock_timestamp()
    where r.id = any (p_reservation_ids) and r.status = 'active'
    returning r.id, r.account_id
  loop
    perform ledger.record_operation('stock.reservation_' || p_status, 'reservation', v_reservation.id, v_reservation.account_id,
                                    jsonb_build_object('status', p_status), p_actor, v_correlation_id);
    v_count := v_count + 1;
  end loop;
  return v_count;
end $$;
comment on function ledger.free_reservations(uuid[], text, ledger.actor) is
  'Frees what these locked active reservations hold and sets their status (released or expired); answers how many.';

/* Locks the reservation that an order is to be placed with; the refusal, or null. */
create function ledger.lock_reservation(p_reservation_id uuid, p_user_id uuid)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_reservation public.stock_reservations;
begin
  select r.* into v_reservation
  from public.stock_reservations r
  where r.id = p_reservation_id and r.user_id = p_user_id
  for no key update;
  return ledger.refuse_reservation(v_reservation, p_reservation_id);
end $$;
comment on function ledger.lock_reservation(uuid, uuid) is 'Locks a customer''s reservation; the refusal when no order can be placed with it, or null.';

/* The order has taken what the reservation held. */
create function ledger.consume_reservation(p_reservation_id uuid, p_order_id uuid, p_actor ledger.actor)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account_id uuid;
begin
  update public.stock_reservations r set status = 'consumed', order_id = p_order_id, ended_at = clock_timestamp()
  where r.id = p_reservation_id and r.status = 'active'
  returning r.account_id into strict v_account_id;
  return ledger.record_operation('stock.reservation_consumed', 'reservation', p_reservation_id, v_account_id,
    jsonb_build_object('status', 'consumed', 'order_id', p_order_id), p_actor, ledger.correlation_id());
end $$;
comment on function ledger.consume_reservation(uuid, uuid, ledger.actor) is 'Marks a locked active reservation as consumed by this order, with its event; answers the event''s id.';
