create type public.ledger_delete_address_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb
);

/* Removes an address of the caller. Orders keep the snapshot they were placed with. */
create function public.ledger_delete_address(p_address_id uuid, p_user_id uuid default null)
returns setof public.ledger_delete_address_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_deleted_id uuid;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'orders.place');

  if v_user_id is null then
    return next jsonb_populate_record(null::public.ledger_delete_address_result, ledger.refuse('customer_required'));
    return;
  end if;

  -- check and write: one statement
  perform set_config('ledger.procedure', 'ledger_delete_address', true);
  delete from public.addresses a where a.id = p_address_id and a.user_id = v_user_id returning a.id into v_deleted_id;
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_delete_address_result,
    case when v_deleted_id is not null then jsonb_build_object('success', true)
         else ledger.refuse('address_not_found', jsonb_build_object('address_id', p_address_id)) end);
end $$;
revoke execute on function public.ledger_delete_address(uuid, uuid) from public, anon;
grant execute on function public.ledger_delete_address(uuid, uuid) to authenticated, service_role;
comment on function public.ledger_delete_address(uuid, uuid) is
  'Removes an address of the caller (staff with orders.place: of p_user_id). Errors: customer_required, address_not_found.';
