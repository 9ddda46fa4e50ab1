/*
 * What was taken back of orders: by refunds, returns and endings, and the money that an edit gave back.
 * What was paid into an order and what went back add up to what it holds.
 */
create table public.refunds (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid not null references public.accounts (id) on delete restrict,
  order_id uuid not null references public.orders (id) on delete restrict,
  return_id uuid,
  currency text not null references public.currencies (code) on delete restrict,
  goods_amount bigint not null default 0,
  discount_amount bigint not null default 0,
  tax_amount bigint not null default 0,
  shipping_amount bigint not null default 0,
  allowance_amount bigint not null default 0,
  allowance_tax_amount bigint not null default 0,
  credited_amount bigint not null default 0,
  wallet_amount bigint not null default 0,
  credit_amount bigint not null default 0,
  payout_amount bigint not null default 0,
  payout_status text not null default 'none',
  destination text not null,
  reason text,
  actor_id uuid,
  settled_by uuid,
  settled_at timestamptz,
  payout_reference text,
  created_at timestamptz not null default clock_timestamp(),
  constraint parts_are_not_negative check (
    least(goods_amount, discount_amount, tax_amount, shipping_amount, credited_amount, wallet_amount, credit_amount, payout_amount) >= 0),
  constraint amounts_are_exact check (
    greatest(goods_amount, tax_amount, shipping_amount, abs(allowance_amount), credited_amount, wallet_amount, credit_amount, payout_amount)
      <= 9007199254740991),
  constraint destination_is_known check (destination in ('wallet', 'original')),
  constraint outside_money_goes_where_it_was_sent check (case destination when 'wallet' then payout_amount else credit_amount end = 0),
  constraint payout_status_is_known check (payout_status in ('none', 'pending', 'paid', 'failed', 'withdrawn')),
  constraint payouts_have_an_amount check ((payout_status = 'none') = (payout_amount = 0)),
  constraint settled_payouts_say_when check ((payout_status in ('paid', 'failed', 'withdrawn')) = (settled_at is not null)),
  constraint texts_are_short check (length(reason) <= 2000 and length(payout_reference) <= 200)
);
alter table public.refunds enable row level security;
revoke all on public.refunds from anon, authenticated, service_role;
grant select on public.refunds to authenticated, service_role;
create policy refunds_are_seen_by_their_customer_and_staff on public.refunds for select to authenticated
  using (account_id >= (select ledger.first_account_seen('orders.read'))
         and account_id <= (select ledger.last_account_seen('orders.read'))
         and (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
              or (select ledger.caller_may('orders.read'))));
-- what was taken back of an order, and the foreign key
create index refunds_by_order on public.refunds (order_id);
-- a customer's refunds, newest first, and the foreign key
create index refunds_by_account on public.refunds (account_id, id);
-- the refunds of a return, and the foreign key
create index refunds_by_return on public.refunds (return_id) where return_id is not null;
-- what is to be paid out, oldest first
create index refunds_to_pay_out on public.refunds (id) where payout_status = 'pending';
select ledger.protect_from_hands('public.refunds', 'ledger_refund_order or ledger_settle_refund');
create trigger amounts_never_change
  before update of id, account_id, order_id, return_id, currency, goods_amount, discount_amount, tax_amount, shipping_amount,
                   allowance_amount, allowance_tax_amount, credited_amount, wallet_amount, credit_amount, payout_amount,
                   destination, actor_id, created_at on public.refunds
  for each row execute function ledger.refuse_change('refunds');
select ledger.enable_always('public.refunds', array['amounts_never_change']);
comment on table public.refunds is
  'What was taken back of an order, in minor units. Amounts never change; payout_status goes from pending to paid, failed or withdrawn. An order that was edited down has a row that gives money back and takes nothing back.';
comment on column public.refunds.allowance_amount is 'Taken off without units coming back; below zero when refunded units took the place of an earlier allowance.';
comment on column public.refunds.allowance_tax_amount is 'The tax in allowance_amount. tax_amount is that of the units.';
comment on column public.refunds.credited_amount is 'How much less the customer owes: goods - discount (+ tax where prices do not include it) + shipping + allowance.';
comment on column public.refunds.wallet_amount is 'Money that went back into the wallet it came from (total_orders falls).';
comment on column public.refunds.credit_amount is 'Money paid from outside that became wallet credit (total_earned rises).';
comment on column public.refunds.payout_amount is 'Money paid from outside that is to be paid out; when that fails it becomes wallet credit, and when it is withdrawn the order holds it again.';
comment on column public.refunds.destination is 'Where money from outside goes: wallet, or original (paid out).';

create table public.refund_lines (
  refund_id uuid not null references public.refunds (id) on delete restrict,
  line_number integer not null,
  account_id uuid not null,
  order_id uuid not null,
  quantity bigint not null,
  unshipped_quantity bigint not null default 0,
  restocked_quantity bigint not null default 0,
  goods_amount bigint not null,
  discount_amount bigint not null,
  tax_amount bigint not null,
  total_amount bigint not null,
  base_amount bigint not null,
  vendor_amount bigint not null,
  primary key (refund_id, line_number),
  foreign key (order_id, line_number) references public.order_items (order_id, line_number) on delete restrict,
  constraint quantity_is_positive check (quantity > 0),
  constraint other_quantities_are_part_of_it check (
    least(unshipped_quantity, restocked_quantity) >= 0 and greatest(unshipped_quantity, restocked_quantity) <= quantity),
  constraint amounts_are_not_negative check (
    least(goods_amount, discount_amount, tax_amount, total_amount, base_amount, vendor_amount) >= 0)
);
alter table public.refund_lines enable row level security;
revoke all on public.refund_lines from anon, authenticated, service_role;
grant select on public.refund_lines to authenticated, service_role;
create policy refund_lines_are_seen_by_their_customer_and_staff on public.refund_lines for select to authenticated
  using (account_id >= (select ledger.first_account_seen('orders.read'))
         and account_id <= (select ledger.last_account_seen('orders.read'))
         and (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
              or (select ledger.caller_may('orders.read'))));
-- what was refunded of an order's lines, and the foreign key
create index refund_lines_by_order_line on public.refund_lines (order_id, line_number);
-- a customer's own
create index refund_lines_by_account on public.refund_lines (account_id);
select ledger.make_immutable('public.refund_lines', 'ledger_refund_order, ledger_cancel_order or ledger_change_order_status');
comment on table public.refund_lines is 'Immutable. Units of an order''s line that a refund took back, and what they amount to (ledger.line_part), in minor units.';
comment on column public.refund_lines.unshipped_quantity is 'Of these, units that had not been shipped and will not be.';
comment on column public.refund_lines.restocked_quantity is 'Of these, units put back in stock.';
