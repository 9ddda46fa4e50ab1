/* The steps of ledger_place_order for the methods that let goods go out unpaid: bank_transfer_grace and invoice. */

/* How many orders of an account have time to be paid, or have had it and are overdue, but for one order; null below the limit. */
create function ledger.refuse_grace_limit(p_account_id uuid, p_order_id uuid default null)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_maximum integer := coalesce(
    (select t.max_grace_orders from public.credit_terms t where t.account_id = p_account_id),
    ledger.setting_text('max_grace_orders')::integer);
  v_open bigint := (
    select count(*) from public.payment_deadlines d
    where d.account_id = p_account_id and d.status in ('open', 'overdue') and d.order_id is distinct from p_order_id);
begin
  return case when v_open >= v_maximum then
    ledger.refuse('grace_limit_reached', jsonb_build_object('open', v_open, 'maximum', v_maximum)) end;
end $$;
comment on function ledger.refuse_grace_limit(uuid, uuid) is
  'The refusal for one more order in grace on a locked account, p_order_id not counted, or null.';

/*
 * What a locked account owes by invoices, and by orders on invoice that have none: it was voided, or nothing
 * was due before the order was edited. p_order_id, if any, is left out of the latter.
 */
create function ledger.credit_used(
  p_account_id uuid, p_order_id uuid default null, out debt_amount bigint, out not_invoiced_amount bigint)
returns record
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  debt_amount := coalesce((select c.debt_amount from public.account_debt_cache c where c.account_id = p_account_id), 0);
  select coalesce(sum(o.amount_due), 0) into not_invoiced_amount
  from public.orders o
  where o.account_id = p_account_id and o.payment_method = 'invoice' and o.status not in ('rejected', 'cancelled', 'refunded')
    and o.amount_due > 0 and o.id is distinct from p_order_id
    and not exists (select from public.invoices i
                    where i.order_id = o.id and i.account_id = p_account_id and i.kind = 'invoice' and i.status = 'issued');
end $$;
comment on function ledger.credit_used(uuid, uuid) is
  'What an account owes by invoices, and by orders placed on invoice that have none, but for one order; minor units.';

/* Why an account cannot owe this much by an order on invoice (a new one, or p_order_id, which is not invoiced), or null; the account is locked. */
create function ledger.refuse_credit(p_account_id uuid, p_currency text, p_due bigint, p_order_id uuid default null)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_limit bigint := (select t.credit_limit_amount from public.credit_terms t where t.account_id = p_account_id);
  v_used record;
begin
  if v_limit is null then
    return ledger.refuse('credit_not_granted', jsonb_build_object('currency', p_currency));
  end if;
  v_used := ledger.credit_used(p_account_id, p_order_id);
  return case when v_used.debt_amount + v_used.not_invoiced_amount + p_due > v_limit then
    ledger.refuse('credit_limit_exceeded', jsonb_build_object(
      'currency', p_currency, 'limit', v_limit, 'debt', v_used.debt_amount, 'not_invoiced', v_used.not_invoiced_amount, 'due', p_due,
      'required', v_used.debt_amount + v_used.not_invoiced_amount + p_due,
      'available', greatest(v_limit - v_used.debt_amount - v_used.not_invoiced_amount, 0))) end;
end $$;
comment on function ledger.refuse_credit(uuid, text, bigint, uuid) is
  'The refusal for an order on invoice of which p_due (minor units) would be due, beyond what the credit terms allow, or null.';

create function ledger.refuse_owing(p_payment_method text, p_account_id uuid, p_currency text, p_due bigint)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when p_due = 0 then null
    when p_payment_method = 'bank_transfer_grace' then ledger.refuse_grace_limit(p_account_id)
    else ledger.refuse_credit(p_account_id, p_currency, p_due)
  end;
end $$;
comment on function ledger.refuse_owing(text, uuid, text, bigint) is
  'Why a customer, whose account is locked, cannot order by bank_transfer_grace or invoice with this much due, or null.';

/* What lets a new order go on unpaid: its deadline, or its invoice. The order and its lines are written, its account is locked. */
create function ledger.begin_owing(p_order_id uuid, p_transaction_id uuid, p_settings jsonb, p_actor ledger.actor)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
  v_account public.accounts;
  v_correlation_id uuid := ledger.correlation_id();
begin
  select o.* into v_order from public.orders o where o.id = p_order_id;
  if v_order.payment_method = 'bank_transfer_grace' then
    perform ledger.grant_grace(v_order, v_order.created_at + make_interval(hours => (p_settings ->> 'grace_hours')::integer),
                               p_actor, v_correlation_id, jsonb_build_object('placed_with_transaction_id', p_transaction_id));
  else
    select a.* into v_account from public.accounts a where a.id = v_order.account_id;
    perform ledger.write_invoice(v_account, v_order, ledger.draft_of_order(v_order), p_actor, v_correlation_id);
  end if;
end $$;
comment on function ledger.begin_owing(uuid, uuid, jsonb, ledger.actor) is
  'Gives an order just placed by bank_transfer_grace its deadline, or one placed on invoice its invoice; p_transaction_id is that of the placing.';
