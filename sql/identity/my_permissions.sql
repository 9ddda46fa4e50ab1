/* What the signed-in user may do, for clients that show or hide controls. */
create function public.my_permissions()
returns setof text
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select distinct r.permission
  from public.user_roles u
  join public.role_permissions r on r.role = u.role
  where u.user_id = auth.uid()
  order by 1;
$$;
revoke execute on function public.my_permissions() from public, anon;
grant execute on function public.my_permissions() to authenticated, service_role;
comment on function public.my_permissions() is 'Permissions of the signed-in user through their roles; none for a customer.';
