/* Staff roles and what each may do, as rows; a customer needs none. */
create table public.roles (
  code text primary key,
  description text not null
);
alter table public.roles enable row level security;
revoke all on public.roles from anon, authenticated, service_role;
grant select on public.roles to authenticated, service_role;
comment on table public.roles is 'Staff roles.';

create table public.permissions (
  code text primary key,
  description text not null,
  constraint code_reads_as_domain_dot_action check (code ~ '^[a-z_]+\.[a-z_]+$')
);
alter table public.permissions enable row level security;
revoke all on public.permissions from anon, authenticated, service_role;
grant select on public.permissions to authenticated, service_role;
comment on table public.permissions is 'What procedures and policies ask for.';

create table public.role_permissions (
  role text not null references public.roles (code) on delete restrict,
  permission text not null references public.permissions (code) on delete restrict,
  primary key (role, permission)
);
alter table public.role_permissions enable row level security;
revoke all on public.role_permissions from anon, authenticated, service_role;
grant select on public.role_permissions to authenticated, service_role;
-- the foreign key to permissions
create index role_permissions_by_permission on public.role_permissions (permission);
comment on table public.role_permissions is 'Which role has which permission; edited in the dashboard.';

create table public.user_roles (
  user_id uuid not null references public.profiles (id) on delete restrict,
  role text not null references public.roles (code) on delete restrict,
  created_at timestamptz not null default clock_timestamp(),
  primary key (user_id, role)
);
alter table public.user_roles enable row level security;
revoke all on public.user_roles from anon, authenticated, service_role;
grant select on public.user_roles to authenticated, service_role;
-- the foreign key to roles
create index user_roles_by_role on public.user_roles (role);
comment on table public.user_roles is 'Who has which staff role; edited in the dashboard.';
