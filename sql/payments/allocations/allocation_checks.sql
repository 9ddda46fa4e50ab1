/* While a backfill makes allocations from the flags of an older system, others wait (source 002, 16.3 and 16.8). */
create function ledger.refuse_during_backfill(p_synthetic boolean default false)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_mode text := (select f.state from public.feature_flags f where f.key = 'ledger_backfill_mode');
begin
  return case when v_mode = 'read_only' or (v_mode = 'active' and p_synthetic is not true) then
    ledger.refuse('backfill_running', jsonb_build_object('mode', v_mode)) end;
end $$;
comment on function ledger.refuse_during_backfill(boolean) is
  'The refusal for an allocation or a reversal while ledger_backfill_mode is read_only, or active and it is not synthetic; null otherwise. Ask with the account locked.';

/*
 * Lock step of an allocation: the orders of these invoices, the account, the payment, the invoices.
 * Which account a payment has, and which order an invoice, never changes. Answers the payment, of nulls
 * when there is none.
 */
create function ledger.lock_for_allocation(p_payment_id uuid, p_invoice_ids uuid[])
returns public.payments
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account_id uuid := (select p.account_id from public.payments p where p.id = p_payment_id);
  v_payment public.payments;
begin
  perform from public.orders o
  where o.account_id = v_account_id
    and o.id in (select i.order_id from public.invoices i where i.account_id = v_account_id and i.id = any (p_invoice_ids))
  order by o.id
  for no key update;
  perform from public.accounts a where a.id = v_account_id for no key update;
  select p.* into v_payment from public.payments p where p.account_id = v_account_id and p.id = p_payment_id for no key update;
  perform from public.invoices i where i.account_id = v_account_id and i.id = any (p_invoice_ids) order by i.id for no key update;
  return v_payment;
end $$;
comment on function ledger.lock_for_allocation(uuid, uuid[]) is
  'Locks the orders of invoices, the account of a payment, the payment and the invoices; answers the payment.';

/* Why a locked payment cannot be given to locked invoices by these lines, or null. The first line that is wrong speaks. */
create function ledger.refuse_allocation(p_payment public.payments, p_lines ledger.allocation_line[], p_versions bigint[] default null)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_line record;
  v_total numeric := (select sum(l.amount) from unnest(p_lines) l);
begin
  for v_line in
    select l.ordinality as line, l.invoice_id, l.amount, p_versions[l.ordinality] as expected, i.id as found_id, i.invoice_number, i.kind, i.status,
           b.remaining_amount, b.version, o.status as order_status, o.order_number, a.synthetic
    from unnest(p_lines) with ordinality l
    left join public.invoices i on i.account_id = p_payment.account_id and i.id = l.invoice_id
    left join public.invoice_balance_cache b on b.invoice_id = i.id
    left join public.orders o on o.id = i.order_id
    left join lateral ledger.live_allocations(p_payment.account_id, i.id, p_payment.id) a on i.id is not null
    order by l.ordinality
  loop
    if v_line.found_id is null then
      return ledger.refuse('invoice_not_found', jsonb_build_object('invoice_id', v_line.invoice_id));
    elsif v_line.kind = 'credit_note' or v_line.status = 'void' or v_line.order_status in ('rejected', 'cancelled', 'refunded') then
      return ledger.refuse('invoice_not_open', jsonb_build_object('invoice_id', v_line.invoice_id, 'invoice_number', v_line.invoice_number,
        'status', case when v_line.kind = 'credit_note' then 'a credit note' when v_line.status = 'void' then 'void'
                       else format('of order %s, which is %s', v_line.order_number, v_line.order_status) end));
    elsif v_line.version <> v_line.expected then
      return ledger.refuse('invoice_balance_changed', jsonb_build_object('invoice_id', v_line.invoice_id, 'invoice_number', v_line.invoice_number,
        'version', v_line.version, 'expected', v_line.expected));
    elsif v_line.remaining_amount = 0 then
      return ledger.refuse('invoice_settled', jsonb_build_object('invoice_id', v_line.invoice_id, 'invoice_number', v_line.invoice_number,
        'amount', v_line.amount, 'currency', p_payment.currency));
    elsif v_line.amount > v_line.remaining_amount then
      return ledger.refuse('allocation_exceeds_invoice', jsonb_build_object('invoice_id', v_line.invoice_id, 'invoice_number', v_line.invoice_number,
        'remaining', v_line.remaining_amount, 'amount', v_line.amount, 'currency', p_payment.currency));
    elsif v_line.synthetic then
      return ledger.refuse('already_allocated', jsonb_build_object('invoice_id', v_line.invoice_id, 'invoice_number', v_line.invoice_number));
    end if;
  end loop;
  return case when v_total > p_payment.unapplied_amount then
    ledger.refuse('allocation_exceeds_payment', jsonb_build_object('payment_id', p_payment.id, 'currency', p_payment.currency,
      'unapplied', p_payment.unapplied_amount, 'amount', v_total)) end;
end $$;
comment on function ledger.refuse_allocation(public.payments, ledger.allocation_line[], bigint[]) is
  'The refusal for giving a locked payment to locked invoices, or null; p_versions: the expected balance version of each line, where there is one.';
