/*
 * Invoices and credit notes. An invoice claims amount = total - prepaid - credited; allocations pay it.
 *
 * The invoice of an order claims what the order owes: while it is live, its remaining amount and
 * greatest(orders.outstanding_amount, 0) are the same number, whatever happens to the order
 * (ledger.follow_order_invoice). It has no postings of its own, for the order has them. A free invoice
 * is booked when it is issued: receivable against revenue and tax.
 *
 * What was issued is never changed: a credit note takes a part back, ledger_void_invoice all of it.
 */
create table public.invoices (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid not null references public.accounts (id) on delete restrict,
  user_id uuid not null,
  currency text not null references public.currencies (code) on delete restrict,
  kind text not null default 'invoice',
  order_id uuid references public.orders (id) on delete restrict,
  credits_invoice_id uuid references public.invoices (id) on delete restrict,
  refund_id uuid references public.refunds (id) on delete restrict,
  series text references public.invoice_series (code) on delete restrict,
  number bigint,
  invoice_number text not null,
  status text not null default 'issued',
  issued_at timestamptz not null default clock_timestamp(),
  due_at timestamptz,
  prices_include_tax boolean not null,
  subtotal_amount bigint not null,
  discount_amount bigint not null default 0,
  shipping_amount bigint not null default 0,
  tax_amount bigint not null default 0,
  total_amount bigint not null,
  prepaid_amount bigint not null default 0,
  credited_amount bigint not null default 0,
  amount bigint not null generated always as
    (case when status = 'void' or kind = 'credit_note' then 0 else total_amount - prepaid_amount - credited_amount end) stored,
  customer_name text,
  billing_address jsonb,
  reference text,
  notes text,
  source text not null default 'issued',
  external_id text,
  issued_by uuid,
  voided_by uuid,
  voided_at timestamptz,
  void_reason text,
  version bigint not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  unique (id, amount),
  unique (series, number),
  constraint kind_is_known check (kind in ('invoice', 'credit_note')),
  constraint status_is_known check (status in ('issued', 'void')),
  constraint source_is_known check (source in ('issued', 'import')),
  constraint only_imported_ones_are_in_no_series check ((series is null) = (source = 'import')),
  constraint number_comes_with_its_series check ((series is null) = (number is null)),
  constraint credit_note_says_what_it_credits check ((kind = 'credit_note') = (credits_invoice_id is not null)),
  constraint invoice_is_due_sometime check ((kind = 'invoice') = (due_at is not null)),
  constraint total_follows_from_its_parts check (
    total_amount = subtotal_amount - discount_amount + shipping_amount + case when prices_include_tax then 0 else tax_amount end),
  constraint amounts_are_exact_and_not_negative check (
    least(subtotal_amount, shipping_amount, tax_amount, total_amount, credited_amount) >= 0),
  constraint amounts_are_not_too_large check (greatest(subtotal_amount, shipping_amount, tax_amount, total_amount) <= 9007199254740991),
  constraint discount_is_part_of_the_subtotal check (discount_amount between 0 and subtotal_amount),
  constraint claims_nothing_below_zero check (prepaid_amount + credited_amount <= total_amount),
  constraint only_an_order_is_prepaid check (prepaid_amount = 0 or order_id is not null),
  constraint void_says_when check ((status = 'void') = (voided_at is not null)),
  constraint texts_are_short check (length(reference) <= 200 and length(notes) <= 2000 and length(void_reason) <= 2000),
  constraint customer_name_is_short check (length(customer_name) <= 200)
) with (fillfactor = 80);
alter table public.invoices enable row level security;
revoke all on public.invoices from anon, authenticated, service_role;
grant select on public.invoices to authenticated, service_role;
create policy invoices_are_seen_by_their_customer_and_staff on public.invoices for select to authenticated
  using (account_id >= (select ledger.first_account_seen('accounts.read'))
         and account_id <= (select ledger.last_account_seen('accounts.read'))
         and (user_id = (select auth.uid()) or (select ledger.caller_may('accounts.read'))));
-- a customer's invoices by issue date: lists, and allocation in the order fifo (16.6 of source 002)
create index invoices_by_account on public.invoices (account_id, issued_at, id);
-- an invoice by its number; an imported one keeps its own, which may be one of ours too
create unique index invoices_by_number on public.invoices (invoice_number) where source = 'issued';
-- the live invoice of an order: at most one
create unique index invoices_live_of_order on public.invoices (order_id) where kind = 'invoice' and status = 'issued';
-- everything issued for an order, and the foreign key
create index invoices_by_order on public.invoices (order_id) where order_id is not null;
-- credit notes of an invoice, and the foreign keys
create index invoices_by_credited_invoice on public.invoices (credits_invoice_id) where credits_invoice_id is not null;
create index invoices_by_refund on public.invoices (refund_id) where refund_id is not null;
-- what is claimed, by due date: reminders and overdue lists
create index invoices_claiming_by_due on public.invoices (due_at, id) where amount > 0;
-- the import, once per row of the old system as long as it is not void; and whether a number is taken
create unique index invoices_by_external_id on public.invoices (external_id) where external_id is not null and status = 'issued';
create unique index invoices_by_imported_number on public.invoices (invoice_number) where source = 'import' and status = 'issued';
select ledger.protect_from_hands('public.invoices', 'ledger_issue_invoice, ledger_credit_invoice, ledger_change_invoice or ledger_void_invoice');
create trigger what_was_issued_never_changes
  before update of id, account_id, user_id, currency, kind, order_id, credits_invoice_id, refund_id, series, number, invoice_number, issued_at,
                   prices_include_tax, subtotal_amount, discount_amount, shipping_amount, tax_amount, total_amount,
                   customer_name, billing_address, source, external_id, issued_by, created_at on public.invoices
  for each row execute function ledger.refuse_change('invoices');
select ledger.enable_always('public.invoices', array['what_was_issued_never_changes']);
comment on table public.invoices is 'Invoices and credit notes, in minor units of currency. Payments reach them by payment_allocations.';
comment on column public.invoices.amount is 'What is claimed: total - prepaid - credited; 0 for a void one and for a credit note. What is left of it: invoice_balance_cache.remaining_amount.';
comment on column public.invoices.prepaid_amount is 'Of the total of an order, what was paid without this invoice (by the wallet, by payments of the order), less what went back to the customer: below zero when more went back than came that way.';
comment on column public.invoices.credited_amount is 'The sum of its credit notes. What they gave back in money is in prepaid_amount too.';
comment on column public.invoices.customer_name is 'The customer''s name when it was issued; a credit note has that of its invoice.';
comment on column public.invoices.issued_by is 'Who issued it; null for a backend.';

/* Lines as issued. Those of an order are its lines. */
create table public.invoice_lines (
  invoice_id uuid not null references public.invoices (id) on delete restrict,
  line_number integer not null,
  account_id uuid not null,
  description text not null,
  sku text,
  quantity bigint not null,
  unit_price_amount bigint not null,
  total_price_amount bigint not null,
  discount_amount bigint not null default 0,
  tax_rate_bp integer not null default 0,
  tax_amount bigint not null default 0,
  primary key (invoice_id, line_number),
  constraint description_says_something check (length(description) between 1 and 1000),
  constraint quantity_is_positive check (quantity > 0),
  constraint total_is_price_times_quantity check (total_price_amount = unit_price_amount * quantity),
  constraint discount_is_part_of_the_line check (discount_amount between 0 and total_price_amount),
  constraint tax_is_not_negative check (tax_amount >= 0 and tax_rate_bp between 0 and 10000)
);
alter table public.invoice_lines enable row level security;
revoke all on public.invoice_lines from anon, authenticated, service_role;
grant select on public.invoice_lines to authenticated, service_role;
create policy invoice_lines_are_seen_by_their_customer_and_staff on public.invoice_lines for select to authenticated
  using (account_id >= (select ledger.first_account_seen('accounts.read'))
         and account_id <= (select ledger.last_account_seen('accounts.read'))
         and (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
              or (select ledger.caller_may('accounts.read'))));
-- a customer's own
create index invoice_lines_by_account on public.invoice_lines (account_id);
select ledger.make_immutable('public.invoice_lines', 'ledger_issue_invoice or ledger_credit_invoice');
comment on table public.invoice_lines is 'Immutable. Lines of invoices and credit notes, in minor units.';
