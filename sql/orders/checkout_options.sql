/* How an order can be paid and sent. */
create table public.payment_methods (
  code text primary key,
  description text not null,
  is_active boolean not null,
  constraint method_is_known check (code in ('wallet', 'wallet_partial', 'bank_transfer', 'bank_transfer_grace', 'card', 'invoice'))
);
alter table public.payment_methods enable row level security;
revoke all on public.payment_methods from anon, authenticated, service_role;
grant select on public.payment_methods to anon, authenticated, service_role;
create policy payment_methods_are_public on public.payment_methods for select to anon, authenticated using (true);
select ledger.audit_hand_edits_of('public.payment_methods', 'code');
select ledger.keep_schema_rows('public.payment_methods', 'code');
comment on table public.payment_methods is 'Payment methods and whether they are offered.';

create table public.shipping_methods (
  code text not null,
  currency text not null references public.currencies (code) on delete restrict,
  name text not null,
  price_amount bigint not null,
  is_active boolean not null default true,
  primary key (code, currency),
  constraint price_is_exact_and_not_negative check (price_amount between 0 and 9007199254740991)
);
alter table public.shipping_methods enable row level security;
revoke all on public.shipping_methods from anon, authenticated, service_role;
grant select on public.shipping_methods to anon, authenticated;
grant select, insert, update on public.shipping_methods to service_role;
create policy shipping_methods_are_public on public.shipping_methods for select to anon, authenticated using (is_active);
select ledger.audit_hand_edits_of('public.shipping_methods', 'code');
comment on table public.shipping_methods is 'Shipping methods with their price per currency, in minor units. Shipping carries no tax.';
