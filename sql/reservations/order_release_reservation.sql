create type public.order_release_reservation_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  reservation_id uuid, status text
);

/* Gives back what a reservation holds, before its time. */
create function public.order_release_reservation(
  p_reservation_id uuid,
  p_idempotency_key text default null,
  p_user_id uuid default null)
returns setof public.order_release_reservation_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_reservation public.stock_reservations;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'orders.place');

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_reservation_id);
  v_answer := ledger.idempotency_begin('order_release_reservation', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.order_release_reservation_result, v_answer);
    return;
  end if;

  -- lock: reservation
  select r.* into v_reservation
  from public.stock_reservations r
  where r.id = p_reservation_id and r.user_id = v_user_id
  for no key update;

  -- check: one that is past its time may still be given back as long as nothing else ended it
  v_answer := case
    when v_user_id is null then ledger.refuse('customer_required')
    when v_reservation.status is distinct from 'active' then ledger.refuse_reservation(v_reservation, p_reservation_id)
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.order_release_reservation_result, v_answer);
    return;
  end if;

  -- lock, write and record
  perform set_config('ledger.procedure', 'order_release_reservation', true);
  perform ledger.free_reservations(array[p_reservation_id], 'released', v_actor);

  -- answer
  v_answer := jsonb_build_object('success', true, 'reservation_id', p_reservation_id, 'status', 'released');
  v_answer := ledger.idempotency_end('order_release_reservation', p_idempotency_key, v_actor.caller_id, v_request,
                                     v_reservation.account_id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.order_release_reservation_result, v_answer);
end $$;
revoke execute on function public.order_release_reservation(uuid, text, uuid) from public, anon;
grant execute on function public.order_release_reservation(uuid, text, uuid) to authenticated, service_role;
comment on function public.order_release_reservation(uuid, text, uuid) is
  'Frees the stock of the customer''s own active reservation; status is released. Staff for others with orders.place. Errors: reservation_not_found, reservation_conflict, reservation_expired, customer_required.';
