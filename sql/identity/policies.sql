create policy profiles_are_seen_by_their_owner_and_staff on public.profiles for select to authenticated
  using (id >= (select ledger.first_user_seen('customers.read'))
         and id <= (select ledger.last_user_seen('customers.read')));

create policy roles_are_seen_by_members on public.roles for select to authenticated using (true);
create policy permissions_are_seen_by_members on public.permissions for select to authenticated using (true);
create policy role_permissions_are_seen_by_members on public.role_permissions for select to authenticated using (true);
create policy user_roles_are_seen_by_their_owner_and_staff on public.user_roles for select to authenticated
  using (user_id = (select auth.uid()) or (select ledger.caller_may('customers.read')));

create policy settings_are_seen_by_members on public.settings for select to authenticated using (true);
create policy feature_flags_are_seen_by_staff on public.feature_flags for select to authenticated
  using ((select ledger.caller_may('audit.read')));
create policy rate_limits_are_seen_by_members on public.rate_limits for select to authenticated using (true);
