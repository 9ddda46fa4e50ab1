create type public.order_reserve_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  reservation_id uuid, expires_at timestamptz, lines jsonb
);

/*
 * Holds stock for a customer's checkout: p_items is [{"variant_id": uuid, "quantity": whole number}].
 * Of a variant that may be backordered it holds what there is. Prices are not promised.
 */
create function public.order_reserve(
  p_items jsonb,
  p_minutes integer default null,
  p_idempotency_key text default null,
  p_user_id uuid default null)
returns setof public.order_reserve_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_settings jsonb;
  v_minutes integer;
  v_most_minutes integer;
  v_active integer;
  v_held bigint;
  v_asked bigint;
  v_pricing ledger.order_pricing;
  v_frozen_reason text;
  v_account_id uuid;
  v_stock ledger.stock_plan;
  v_reservation public.stock_reservations;
  v_lines jsonb;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'orders.place');

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_items, p_minutes);
  v_answer := ledger.idempotency_begin('order_reserve', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is null and not v_actor.is_system then
    v_answer := ledger.rate_limit_take(v_actor.user_id, 'order_reserve');
  end if;

  -- lock: the customer's reservations, so that two calls at once do not pass the limit; check what needs no stock
  if v_answer is null then
    perform pg_advisory_xact_lock(hashtextextended('order_reserve:' || coalesce(v_user_id::text, ''), 0));
    v_settings := ledger.all_settings();
    v_most_minutes := case when ledger.has_permission(v_actor, 'orders.place') then 1440 else (v_settings ->> 'reservation_minutes')::integer end;
    v_minutes := coalesce(p_minutes, (v_settings ->> 'reservation_minutes')::integer);
    v_pricing := ledger.price_order(v_user_id, p_items, null, null, v_settings);
    v_account_id := ledger.account_id(v_user_id, v_pricing.currency);
    v_frozen_reason := (select a.frozen_reason from public.accounts a where a.id = v_account_id);
    -- one past its time counts until the job has freed it: it holds its units until then
    select count(distinct r.id), coalesce(sum(l.quantity), 0) into v_active, v_held
    from public.stock_reservations r
    left join public.stock_reservation_lines l on l.reservation_id = r.id
    where r.user_id = v_user_id and r.status = 'active';
    v_asked := (select -sum(q.quantity) from unnest(v_pricing.quantities) q (quantity));
    v_answer := case
      when v_user_id is null then ledger.refuse('customer_required')
      when v_minutes not between 1 and v_most_minutes then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_minutes',
          'problem', format('a number of minutes from 1 to %s', v_most_minutes)))
      when v_pricing.refusal is not null then v_pricing.refusal
      when v_frozen_reason is not null then ledger.refuse('account_frozen', jsonb_build_object('reason', v_frozen_reason))
      when v_active >= (v_settings ->> 'max_active_reservations')::integer then
        ledger.refuse('too_many_reservations', jsonb_build_object('active', v_active))
      when v_held + v_asked > (v_settings ->> 'max_reserved_units')::bigint then
        ledger.refuse('reservation_too_large', jsonb_build_object('held', v_held, 'requested', v_asked,
          'maximum', (v_settings ->> 'max_reserved_units')::bigint))
      else ledger.refuse_opening(v_user_id, v_pricing.currency)
    end;
  end if;

  -- lock: stock by variant and slot; check under its locks
  if v_answer is null then
    v_stock := ledger.plan_stock(v_pricing.variant_ids, v_pricing.quantities);
    v_answer := v_stock.refusal;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.order_reserve_result, v_answer);
    return;
  end if;

  -- write: reservation, lines, what is held
  perform set_config('ledger.procedure', 'order_reserve', true);
  insert into public.stock_reservations as r (account_id, user_id, expires_at)
  values (v_account_id, v_user_id, clock_timestamp() + make_interval(mins => v_minutes))
  returning r.* into v_reservation;
  insert into public.stock_reservation_lines (reservation_id, variant_id, slot, account_id, quantity)
  select v_reservation.id, w.variant_id, w.slot, v_account_id, -w.quantity
  from unnest(v_stock.variant_ids, v_stock.slots, v_stock.quantities) w (variant_id, slot, quantity);
  if v_stock.variant_ids is not null then
    perform ledger.move_in_slots(v_stock.variant_ids, v_stock.slots, array_fill(0::bigint, array[cardinality(v_stock.slots)]),
                                 array(select -w.quantity from unnest(v_stock.quantities) with ordinality w (quantity, place) order by w.place),
                                 null, v_actor);
  end if;

  -- record
  v_lines := coalesce((select jsonb_agg(jsonb_build_object('variant_id', g.variant_id, 'quantity', g.quantity) order by g.variant_id)
                       from (select w.variant_id, -sum(w.quantity)::bigint as quantity
                             from unnest(v_stock.variant_ids, v_stock.quantities) w (variant_id, quantity)
                             group by w.variant_id) g), '[]');
  perform ledger.record_operation('stock.reserved', 'reservation', v_reservation.id, v_account_id,
    jsonb_build_object('user_id', v_user_id, 'expires_at', v_reservation.expires_at, 'lines', v_lines), v_actor, ledger.correlation_id());

  -- answer
  v_answer := jsonb_build_object('success', true, 'reservation_id', v_reservation.id, 'expires_at', v_reservation.expires_at, 'lines', v_lines);
  v_answer := ledger.idempotency_end('order_reserve', p_idempotency_key, v_actor.caller_id, v_request, v_account_id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.order_reserve_result, v_answer);
end $$;
revoke execute on function public.order_reserve(jsonb, integer, text, uuid) from public, anon;
grant execute on function public.order_reserve(jsonb, integer, text, uuid) to authenticated, service_role;
comment on function public.order_reserve(jsonb, integer, text, uuid) is
  'Holds the stock of p_items [{"variant_id": uuid, "quantity": int}] for p_minutes (the setting reservation_minutes when left out, which is also the most a customer may ask for; up to 1440 with orders.place). lines: [{"variant_id", "quantity"}] that are held. Staff for others with orders.place. Errors: those of ledger_place_order for items, insufficient_stock, too_many_reservations, reservation_too_large, account_frozen, customer_not_found, rate_limited.';
