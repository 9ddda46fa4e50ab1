/*
 * What an order says of its money: what it got by the wallet's transactions, payments and allocations, what
 * went back by refunds, how far it is paid, and whether its deadline runs. Where the postings of its escrow
 * or its receivable come to something else, one of those rows was changed, and people have to look.
 */
create type ledger.order_money as (
  wallet_amount bigint, paid_amount bigint, refunded_amount bigint, wallet_refunded_amount bigint, credited_amount bigint);
comment on type ledger.order_money is 'What an order says of its money, by the rows it follows from; minor units.';

create function ledger.order_money_by_rows(p_order public.orders)
returns ledger.order_money
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_money ledger.order_money;
  v_to_wallet bigint;
begin
  select coalesce(sum(f.credited_amount), 0), coalesce(sum(f.wallet_amount), 0),
         coalesce(sum(f.wallet_amount + f.credit_amount + case f.payout_status when 'withdrawn' then 0 else f.payout_amount end), 0),
         coalesce(sum(f.credit_amount + case f.payout_status when 'failed' then f.payout_amount else 0 end), 0)
  into v_money.credited_amount, v_money.wallet_refunded_amount, v_money.refunded_amount, v_to_wallet
  from public.refunds f
  where f.account_id = p_order.account_id and f.order_id = p_order.id;
  -- what moved in the wallet for the order is: less what it paid, and all that came back to it or became its credit
  v_money.wallet_amount := v_money.wallet_refunded_amount + v_to_wallet
    + coalesce((select sum(p.credit_amount - p.reclaimed_amount) from public.payments p where p.order_id = p_order.id and p.status = 'captured'), 0)
    - coalesce((select sum(t.amount) from public.transactions t where t.order_id = p_order.id), 0);
  v_money.paid_amount := v_money.wallet_amount
    + coalesce((select sum(p.applied_amount) from public.payments p where p.order_id = p_order.id and p.status = 'captured'), 0)
    + coalesce((select sum(l.allocated_amount) from public.invoices i join public.payment_allocations l on l.invoice_id = i.id where i.order_id = p_order.id), 0);
  return v_money;
end $$;
comment on function ledger.order_money_by_rows(public.orders) is 'An order''s money, added up from refunds, payments, allocations and transactions.';

/* Why the postings of an order are not those of this money; null when they are. p_order has the money and the status that are right. */
create function ledger.problem_of_order_postings(p_order public.orders)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_owed bigint := p_order.total_amount - p_order.credited_amount - p_order.paid_amount + p_order.refunded_amount;
  v_held bigint := case p_order.status when 'delivered' then 0 else p_order.paid_amount - p_order.refunded_amount end;
  v_escrow bigint;
  v_receivable bigint;
begin
  select coalesce(sum(case 'order_escrow' when p.credit_account then p.amount when p.debit_account then -p.amount end), 0),
         coalesce(sum(case 'receivable' when p.debit_account then p.amount when p.credit_account then -p.amount end), 0)
  into v_escrow, v_receivable
  from public.transactions t
  join public.postings p on p.transaction_id = t.id
  where t.order_id = p_order.id;
  return case
    when v_escrow <> v_held then format('payments and refunds leave %s in escrow, the postings %s', v_held, v_escrow)
    when v_receivable <> case p_order.status when 'delivered' then v_owed else 0 end then
      format('payments and refunds leave %s owed, the postings %s', v_owed, v_receivable) end;
end $$;
comment on function ledger.problem_of_order_postings(public.orders) is 'Why the postings of an order do not fit its money; null when they do.';

/* Why the events of an order come to another money than this; null when they do not, or do not say it. */
create function ledger.problem_of_replayed_money(p_order public.orders)
returns text
language sql stable
set search_path = pg_catalog, pg_temp
return (
  select format('the events come to %s of %s, its rows to %s', f.replayed, f.what, f.by_rows)
  from ledger.replayed_orders(array[p_order.id]) r
  cross join lateral (values
    ('wallet_amount', r.wallet_amount, p_order.wallet_amount), ('paid_amount', r.paid_amount, p_order.paid_amount),
    ('refunded_amount', r.refunded_amount, p_order.refunded_amount),
    ('wallet_refunded_amount', r.wallet_refunded_amount, p_order.wallet_refunded_amount),
    ('credited_amount', r.credited_amount, p_order.credited_amount)) f (what, replayed, by_rows)
  where f.replayed <> f.by_rows
  limit 1);
comment on function ledger.problem_of_replayed_money(public.orders) is 'Why the events of an order do not come to this money; null when they do, or do not say it.';

/*
 * How far an order with the right money is paid: as its last event says, where events say enough; null where its
 * money cannot be paid like that, and then that event was changed. Else the present status stays where it can be true, and otherwise a receipt under review, an open deadline or a surplus
 * in the wallet says what it is.
 */
create function ledger.payment_status_by_rows(p_order public.orders, p_deadline_status text)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_has_receipt boolean := exists (select from public.payment_receipts r
    where r.account_id = p_order.account_id and r.order_id = p_order.id and r.status = 'submitted');
  v_may_stay boolean := case p_order.payment_status when 'in_grace' then p_deadline_status = 'open' when 'receipt_uploaded' then v_has_receipt
                                                    else p_deadline_status is distinct from 'open' end;
  v_surplus text := ledger.payment_status_kept(jsonb_populate_record(p_order, '{"payment_status": "overpaid"}'));
  v_status text := ledger.payment_status_of(p_order.total_amount, p_order.credited_amount, p_order.paid_amount, p_order.refunded_amount,
    case p_order.payment_status when 'overpaid' then v_surplus else p_order.payment_status end);
  v_replayed text := (select r.payment_status from ledger.replayed_orders(array[p_order.id]) r);
begin
  if v_replayed is not null then
    return (select v_replayed where v_replayed = ledger.payment_status_of(
      p_order.total_amount, p_order.credited_amount, p_order.paid_amount, p_order.refunded_amount, v_replayed));
  elsif v_may_stay and v_status = p_order.payment_status then
    return v_status;
  end if;
  return ledger.payment_status_of(p_order.total_amount, p_order.credited_amount, p_order.paid_amount, p_order.refunded_amount,
    case when v_has_receipt then 'receipt_uploaded' when p_deadline_status = 'open' then 'in_grace' else nullif(v_surplus, 'paid') end);
end $$;
comment on function ledger.payment_status_by_rows(public.orders, text) is
  'The payment status of an order whose money and deadline are those given; null where its last event says one that cannot be.';

create function ledger.repair_order_money(p_subject uuid)
returns ledger.repair
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
  v_right public.orders;
  v_history ledger.repair := ledger.repair_order_status(p_subject);
  v_deadline public.payment_deadlines;
  v_deadline_status text;
  -- the same text in whatever time zone somebody plans or applies it
  v_moment constant text := 'YYYY-MM-DD"T"HH24:MI:SS.US"+00"';
  v_repair ledger.repair;
begin
  select o.* into v_order from public.orders o where o.id = p_subject;
  if not found then
    return v_repair;
  end if;
  v_right := jsonb_populate_record(v_order, to_jsonb(ledger.order_money_by_rows(v_order)));
  v_right.status := coalesce(v_history.lines #>> '{0,to}', v_order.status);

  -- a deadline is settled when nothing is due or the order has ended, and runs while the order is in grace
  select d.* into v_deadline from public.payment_deadlines d where d.order_id = p_subject and d.account_id = v_order.account_id;
  v_deadline_status := case
    when v_right.status in ('rejected', 'cancelled', 'refunded')
      or v_right.total_amount - v_right.credited_amount - v_right.paid_amount + v_right.refunded_amount <= 0 then 'settled'
    else v_deadline.status end;
  v_right.payment_status := ledger.payment_status_by_rows(v_right, case when v_deadline.order_id is not null then v_deadline_status end);
  if v_deadline.status = 'settled' and v_deadline_status = 'settled' and v_right.payment_status = 'in_grace' then
    v_deadline_status := 'open';
  end if;

  v_repair.stream_type := 'order';
  v_repair.account_id := v_order.account_id;
  v_repair.problem := coalesce(v_history.problem, ledger.problem_of_order_postings(v_right), ledger.problem_of_replayed_money(v_right),
    case when v_right.payment_status is null then 'its last event says a payment status that its money cannot have' end);
  v_repair.lines := ledger.repair_lines('orders', jsonb_build_object('id', p_subject),
      to_jsonb(v_order), to_jsonb(ledger.order_money_by_rows(v_order)) || jsonb_build_object('payment_status', v_right.payment_status))
    || case when v_deadline.order_id is null or v_deadline.status = v_deadline_status then '[]'
            else ledger.repair_lines('payment_deadlines', jsonb_build_object('order_id', p_subject),
              jsonb_build_object('status', v_deadline.status, 'settled_at', to_char(v_deadline.settled_at at time zone 'utc', v_moment)),
              jsonb_build_object('status', v_deadline_status, 'settled_at',
                case v_deadline_status when 'settled' then to_char(v_order.updated_at at time zone 'utc', v_moment) end)) end;
  return v_repair;
end $$;
comment on function ledger.repair_order_money(uuid) is 'What brings an order''s amounts, payment status and deadline to what payments, allocations and refunds say.';
