create type public.ledger_spread_stock_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  variant_id uuid, stock_slots integer, stock_quantity bigint
);

/*
 * Spreads a variant's available stock evenly over so many slots, from which that many orders at once
 * can be served; one slot gathers it again. The same number evens out what orders left unevenly. What
 * reservations hold stays where it is held, and comes to slot 0 when it is freed.
 */
create function public.ledger_spread_stock(
  p_variant_id uuid,
  p_slots integer,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_spread_stock_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_variant public.variants;
  v_on_hand bigint;
  v_available bigint;
begin
  -- who may
  v_actor := ledger.current_actor(p_actor_id);
  perform ledger.require_permission(v_actor, 'stock.adjust');

  -- asked before
  v_request := jsonb_build_array(p_variant_id, p_slots, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_spread_stock', p_idempotency_key, v_actor.caller_id, v_request);

  -- lock: all of the variant's stock
  if v_answer is null then
    perform ledger.lock_all_stock(array[p_variant_id]);
    select v.* into v_variant from public.variants v where v.id = p_variant_id;
    v_answer := case
      when v_variant.id is null then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_variant_id', 'problem', 'there is no such product variant'))
      when p_slots is null or p_slots not between 1 and 64 then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_slots', 'problem', 'a number of slots from 1 to 64'))
    end;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_spread_stock_result, v_answer);
    return;
  end if;

  -- write: missing slots, movements that sum up to nothing, the number of slots
  perform set_config('ledger.procedure', 'ledger_spread_stock', true);
  insert into public.stock_levels (variant_id, slot)
  select p_variant_id, g.slot from generate_series(0, p_slots - 1) g (slot)
  on conflict (variant_id, slot) do nothing;
  select sum(s.on_hand), sum(s.on_hand - s.held) into v_on_hand, v_available from public.stock_levels s where s.variant_id = p_variant_id;
  perform ledger.move_in_slots(array_agg(p_variant_id), array_agg(s.slot), array_agg(s.quantity), null, 'slots_spread', v_actor)
  from (select l.slot, l.held - l.on_hand
               + case when l.slot < p_slots then v_available / p_slots + case when l.slot < v_available % p_slots then 1 else 0 end
                      else 0 end as quantity
        from public.stock_levels l
        where l.variant_id = p_variant_id) s
  where s.quantity <> 0;
  update public.variants v set stock_slots = p_slots where v.id = p_variant_id;

  -- write: whether the sum is low already
  if p_slots = 1 then
    delete from ledger.low_stock_marks m where m.variant_id = p_variant_id;
  else
    insert into ledger.low_stock_marks (variant_id, is_low)
    values (p_variant_id, v_on_hand <= ledger.low_stock_threshold(v_variant))
    on conflict (variant_id) do nothing;
  end if;

  -- record
  perform ledger.record_operation('stock.spread', 'variant', p_variant_id, null,
    jsonb_build_object('stock_slots', p_slots, 'slots_before', v_variant.stock_slots, 'on_hand', v_on_hand), v_actor, ledger.correlation_id());

  -- answer
  v_answer := jsonb_build_object('success', true, 'variant_id', p_variant_id, 'stock_slots', p_slots, 'stock_quantity', v_on_hand);
  v_answer := ledger.idempotency_end('ledger_spread_stock', p_idempotency_key, v_actor.caller_id, v_request, null, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_spread_stock_result, v_answer);
end $$;
revoke execute on function public.ledger_spread_stock(uuid, integer, text, uuid) from public, anon;
grant execute on function public.ledger_spread_stock(uuid, integer, text, uuid) to authenticated, service_role;
comment on function public.ledger_spread_stock(uuid, integer, text, uuid) is
  'Spreads a variant''s available stock evenly over p_slots rows (1 to 64; 1 gathers it), so that many orders of it can be placed at once. stock_quantity: units on hand in all, which it does not change. Needs stock.adjust. Errors: invalid_argument.';
