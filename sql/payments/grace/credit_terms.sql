/* What a customer is trusted with, in one currency. Who has no row has no credit, and the shop's other limits. */
create table public.credit_terms (
  account_id uuid primary key references public.accounts (id) on delete restrict,
  credit_limit_amount bigint,
  due_days integer,
  max_grace_orders integer,
  granted_by uuid,
  version bigint not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  constraint credit_limit_is_exact_and_not_negative check (credit_limit_amount between 0 and 9007199254740991),
  constraint due_days_are_a_year_at_most check (due_days between 0 and 365),
  constraint grace_orders_are_counted check (max_grace_orders between 0 and 1000)
);
alter table public.credit_terms enable row level security;
revoke all on public.credit_terms from anon, authenticated, service_role;
grant select on public.credit_terms to authenticated, service_role;
create policy credit_terms_are_seen_by_their_customer_and_staff on public.credit_terms for select to authenticated
  using (account_id >= (select ledger.first_account_seen('accounts.read'))
         and account_id <= (select ledger.last_account_seen('accounts.read'))
         and (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
              or (select ledger.caller_may('accounts.read'))));
select ledger.protect_from_hands('public.credit_terms', 'ledger_set_credit_terms');
comment on table public.credit_terms is 'Credit terms of a customer per currency, in minor units. They bind orders to come, not those that were placed.';
comment on column public.credit_terms.credit_limit_amount is 'What the customer may owe in all when an order is placed on invoice; null when none may be.';
comment on column public.credit_terms.due_days is 'Days until their invoices are due; null: the setting invoice_due_days.';
comment on column public.credit_terms.max_grace_orders is 'Orders they may have in grace at a time; null: the setting max_grace_orders.';

create function ledger.due_days_of(p_account_id uuid)
returns integer
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce((select t.due_days from public.credit_terms t where t.account_id = p_account_id),
                  ledger.setting_text('invoice_due_days')::integer);
end $$;
comment on function ledger.due_days_of(uuid) is 'Days until an invoice of this account is due: by its terms, else by the setting invoice_due_days.';
