/* Why a locked payment cannot be voided: it is none any more, or what it paid is not there any more; or null. */
create function ledger.refuse_void(p_locked ledger.locked_payment)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_payment public.payments := p_locked.payment;
  v_short record;
begin
  if v_payment.status <> 'captured' or v_payment.charged_back_amount > 0 then
    return ledger.refuse('payment_conflict', jsonb_build_object('payment_id', v_payment.id,
      'status', case v_payment.status when 'captured' then 'charged back' else v_payment.status end));
  elsif v_payment.source = 'card' then
    -- refunds and disputes there undo it: voided, the provider would have money that no book shows
    return ledger.refuse('payment_conflict', jsonb_build_object('payment_id', v_payment.id, 'status', 'booked from what its card provider says'));
  end if;

  -- of each order it pays, what was paid from outside and is still there covers it
  select o.id, o.order_number, ledger.held_from_outside(o) as held, d.amount into v_short
  from (select n.order_id, sum(n.amount)::bigint as amount
        from (select v_payment.order_id, v_payment.applied_amount as amount
              union all
              select i.order_id, l.allocated_amount
              from ledger.live_allocations(v_payment.account_id, p_payment_id => v_payment.id) l
              join public.invoices i on i.account_id = l.account_id and i.id = l.invoice_id) n
        group by n.order_id) d
  join public.orders o on o.account_id = v_payment.account_id and o.id = d.order_id
  where d.amount > ledger.held_from_outside(o)
  order by o.id
  limit 1;
  if found then
    return ledger.refuse('payment_already_used', jsonb_build_object('currency', v_payment.currency, 'amount', v_short.amount, 'left', v_short.held,
      'where', 'with the order ' || v_short.order_number || coalesce(
        (select format(' (%s waits to be paid out, and is back with it once ledger_settle_refund says withdrawn)',
                       ledger.format_money(sum(f.payout_amount)::bigint, v_payment.currency))
         from public.refunds f
         where f.order_id = v_short.id and f.payout_status = 'pending'
         having count(*) > 0), '')));
  elsif v_payment.credit_amount > greatest((p_locked.account).available_balance, 0) then
    return ledger.refuse('payment_already_used', jsonb_build_object('currency', v_payment.currency, 'amount', v_payment.credit_amount,
      'left', (p_locked.account).available_balance, 'where', 'in the wallet'));
  elsif v_payment.allocated_amount > 0 then
    return ledger.refuse_during_backfill();
  end if;
  return null;
end $$;
comment on function ledger.refuse_void(ledger.locked_payment) is 'The refusal for voiding a locked payment, or null.';

/*
 * Takes a payment that was locked and checked out of the books: its allocations are reversed, what it paid
 * is owed again, its surplus leaves the wallet, and its remainder is no more. Answers the order it was for, with
 * the transaction.
 */
create function ledger.void_payment(
  p_locked ledger.locked_payment, p_reason text, p_actor ledger.actor, p_correlation_id uuid,
  out voided_order public.orders, out voiding public.transactions)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_payment public.payments := p_locked.payment;
  v_unapplied bigint := v_payment.unapplied_amount + v_payment.allocated_amount;
begin
  -- write: allocations, payment, order
  if v_payment.allocated_amount > 0 then
    perform ledger.reverse_allocations(v_payment.account_id,
      array(select l.id from ledger.live_allocations(v_payment.account_id, p_payment_id => v_payment.id) l order by l.id),
      p_actor, p_reason, p_correlation_id);
  end if;
  update public.payments p set
    status = 'voided',
    voided_by = p_actor.user_id,
    void_reason = p_reason,
    updated_at = clock_timestamp()
  where p.account_id = v_payment.account_id and p.id = v_payment.id;
  if v_payment.order_id is not null then
    voided_order := ledger.pay_order(v_payment.account_id, v_payment.order_id, -v_payment.applied_amount);
  end if;

  -- write: transaction, postings
  voiding := ledger.write_transaction(
    v_payment.account_id, 'payment_voided', p_actor, coalesce(p_reason, 'payment voided'), p_correlation_id,
    p_earned => -v_payment.credit_amount, p_order_id => v_payment.order_id, p_reference_id => v_payment.id);
  perform ledger.write_postings(voiding, v_payment.currency, array[
    row(case voided_order.status when 'delivered' then 'receivable' else 'order_escrow' end, 'bank', v_payment.applied_amount),
    row('wallet', 'bank', v_payment.credit_amount),
    row('unapplied_payments', 'bank', v_unapplied)]::ledger.posting_leg[]);

  -- record
  perform ledger.record_operation('payment.voided', case when v_payment.order_id is null then 'payment' else 'order' end,
    coalesce(v_payment.order_id, v_payment.id), v_payment.account_id,
    ledger.balance_effect(voiding, p_earned => -v_payment.credit_amount)
      || case when v_payment.order_id is not null
              then ledger.follow_order_invoice(voided_order, voiding, p_actor => p_actor, p_unapplied => -v_unapplied)
              else ledger.write_debt_movement(voiding, p_unapplied => -v_unapplied) end
      || jsonb_build_object(
      'order_number', voided_order.order_number, 'payment_id', v_payment.id, 'currency', v_payment.currency,
      'payment_amount', v_payment.amount, 'applied_amount', v_payment.applied_amount, 'credit_amount', v_payment.credit_amount,
      'allocated_amount', v_payment.allocated_amount, 'unapplied_amount', v_unapplied,
      'payment_status', voided_order.payment_status, 'outstanding_amount', voided_order.outstanding_amount, 'notes', p_reason),
    p_actor, p_correlation_id);
end $$;
comment on function ledger.void_payment(ledger.locked_payment, text, ledger.actor, uuid) is
  'Voids a payment that ledger.lock_payment locked and ledger.refuse_void had nothing against.';
