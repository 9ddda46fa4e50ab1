create type public.ledger_adjust_stock_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  variant_id uuid, stock_quantity bigint
);

/*
 * Adds units of a variant (received), takes some away (damaged), or sets right what a count found
 * (counted, either sign). p_quantity is the signed difference. Units come in at slot 0, where waiting
 * backorders get them first; they are taken from slot 0, and from the other slots when it has too few.
 */
create function public.ledger_adjust_stock(
  p_variant_id uuid,
  p_quantity bigint,
  p_reason text default 'received',
  p_notes text default null,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_adjust_stock_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_variant public.variants;
  v_shares ledger.slot_share[];
  v_on_hand bigint;
  v_available bigint;
  v_correlation_id uuid := ledger.correlation_id();
begin
  -- who may
  v_actor := ledger.current_actor(p_actor_id);
  perform ledger.require_permission(v_actor, 'stock.adjust');

  -- asked before
  v_request := jsonb_build_array(p_variant_id, p_quantity, p_reason, p_notes, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_adjust_stock', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_adjust_stock_result, v_answer);
    return;
  end if;

  -- lock: all of the variant's stock
  select v.* into v_variant from public.variants v where v.id = p_variant_id;
  perform ledger.lock_all_stock(array[p_variant_id]);
  v_shares := ledger.lock_slots(p_variant_id, null, case when p_quantity between -9007199254740991 and 0 then -p_quantity else 0 end, null, null);
  select sum(s.on_hand), sum(s.available) into v_on_hand, v_available from unnest(v_shares) s;

  -- check
  v_answer := case
    when v_variant.id is null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_variant_id', 'problem', 'there is no such product variant'))
    when p_reason is null or p_reason not in ('received', 'counted', 'damaged') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'one of received, counted, damaged'))
    when p_quantity not between -9007199254740991 and 9007199254740991 then
      ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
    when p_quantity is null or p_quantity = 0 or (p_reason = 'received' and p_quantity < 0) or (p_reason = 'damaged' and p_quantity > 0) then
      ledger.refuse('invalid_amount', jsonb_build_object('amount', p_quantity, 'expected',
        case p_reason when 'received' then 'above zero' when 'damaged' then 'below zero' else 'other than zero' end))
    when length(p_notes) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes', 'problem', 'at most 2000 characters'))
    -- far below what a column holds, so that what orders bring back always fits
    when v_on_hand + p_quantity > 1000000000000 then
      ledger.refuse('stock_too_large', jsonb_build_object('name', v_variant.name, 'maximum', 1000000000000))
    when v_available + p_quantity < 0 then
      ledger.refuse('stock_below_zero', jsonb_build_object('name', v_variant.name, 'quantity', -p_quantity, 'available', v_available))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_adjust_stock_result, v_answer);
    return;
  end if;

  -- write: stock, movements
  perform set_config('ledger.procedure', 'ledger_adjust_stock', true);
  perform ledger.move_in_slots(array_agg(p_variant_id), array_agg(s.slot), array_agg(s.quantity), null, p_reason, v_actor, null, p_notes)
  from (select w.slot, case when p_quantity > 0 then p_quantity else -w.taken end as quantity from unnest(v_shares) w) s
  where case when p_quantity > 0 then s.slot = 0 else s.quantity < 0 end;

  -- record; what came in goes on to who waits for it
  perform ledger.record_operation('stock.adjusted', 'variant', p_variant_id, null,
    jsonb_build_object('quantity', p_quantity, 'reason', p_reason, 'notes', p_notes, 'on_hand_after', v_on_hand + p_quantity),
    v_actor, v_correlation_id);
  v_on_hand := v_on_hand + p_quantity;
  if p_quantity > 0 then
    v_on_hand := v_on_hand - ledger.fill_backorders(array[p_variant_id], array[0::smallint], v_actor, v_correlation_id);
  end if;
  perform ledger.alert_low_stock(array[p_variant_id], array[p_quantity]);

  -- answer
  v_answer := jsonb_build_object('success', true, 'variant_id', p_variant_id, 'stock_quantity', v_on_hand);
  v_answer := ledger.idempotency_end('ledger_adjust_stock', p_idempotency_key, v_actor.caller_id, v_request, null, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_adjust_stock_result, v_answer);
end $$;
revoke execute on function public.ledger_adjust_stock(uuid, bigint, text, text, text, uuid) from public, anon;
grant execute on function public.ledger_adjust_stock(uuid, bigint, text, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_adjust_stock(uuid, bigint, text, text, text, uuid) is
  'Changes a variant''s stock by a signed quantity (units): received, damaged or counted. What comes in fills waiting backorders first; stock_quantity is what is on hand after that. Needs stock.adjust. Errors: invalid_argument, invalid_amount, amount_too_large, stock_too_large, stock_below_zero.';
