create type public.order_draft_delete_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb
);

/* Removes a draft. */
create function public.order_draft_delete(p_draft_id uuid)
returns setof public.order_draft_delete_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_draft public.order_drafts;
begin
  -- who may
  v_actor := ledger.current_actor();

  -- lock: draft
  select d.* into v_draft from public.order_drafts d where d.id = p_draft_id for update;

  -- check
  if not ledger.is_draft_of(v_draft, v_actor) then
    return next jsonb_populate_record(null::public.order_draft_delete_result,
      ledger.refuse('draft_not_found', jsonb_build_object('draft_id', p_draft_id)));
    return;
  end if;

  -- write
  perform set_config('ledger.procedure', 'order_draft_delete', true);
  delete from public.order_drafts d where d.id = p_draft_id;
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.order_draft_delete_result, jsonb_build_object('success', true));
end $$;
revoke execute on function public.order_draft_delete(uuid) from public, anon;
grant execute on function public.order_draft_delete(uuid) to authenticated, service_role;
comment on function public.order_draft_delete(uuid) is
  'Removes a draft of the caller (staff with orders.place: of anybody). Errors: draft_not_found.';
