/*
 * The vendors a call is about: one that the caller owns, or may see as staff, or all that the caller
 * owns. Owning one is enough, with or without the role "vendor". Somebody else's reads as not there.
 */
create function ledger.vendors_of_call(p_actor ledger.actor, p_vendor_id uuid, p_permission text)
returns uuid[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_vendor_id is null then
    return coalesce((select array_agg(v.id order by v.id) from public.vendors v where v.owner_user_id = p_actor.user_id), '{}');
  end if;
  return coalesce((
    select array[v.id]
    from public.vendors v
    where v.id = p_vendor_id and (v.owner_user_id = p_actor.user_id or ledger.has_permission(p_actor, p_permission))), '{}');
end $$;
comment on function ledger.vendors_of_call(ledger.actor, uuid, text) is
  'p_vendor_id if the caller owns it or has the permission, all vendors of the caller when it is null; an empty array when there is none.';

create function ledger.refuse_vendor(p_vendor_id uuid)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return ledger.refuse('vendor_not_found', jsonb_build_object(
    'vendor_id', p_vendor_id, 'vendor', coalesce(p_vendor_id::text, 'that is yours')));
end $$;
comment on function ledger.refuse_vendor(uuid) is 'The refusal for a vendor who is not there, or not the caller''s.';
