/* An order whose surplus is in the wallet reads overpaid, whichever step left it there. */
create function ledger.mark_order_of_card(p_step ledger.card_step)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_card public.card_payments := p_step.card;
  v_order public.orders;
begin
  update public.orders o set
    payment_status = s.payment_status,
    version = o.version + 1,
    updated_at = clock_timestamp()
  from (
    select ledger.payment_status_of(n.total_amount, n.credited_amount, n.paid_amount, n.refunded_amount,
             case when exists (select from public.payments p where p.order_id = n.id and p.status = 'captured' and p.credit_amount > 0)
                  then 'overpaid' else ledger.payment_status_kept(n) end) as payment_status
    from public.orders n
    where n.account_id = v_card.account_id and n.id = v_card.order_id) s
  where o.account_id = v_card.account_id and o.id = v_card.order_id and o.status not in ('rejected', 'cancelled', 'refunded')
    and o.payment_status not in ('in_grace', 'receipt_uploaded') and o.payment_status <> s.payment_status
  returning o.* into v_order;
  if found then
    perform ledger.record_operation('order.payment_status_changed', 'order', v_order.id, v_order.account_id,
      jsonb_build_object('order_number', v_order.order_number, 'user_id', v_order.user_id, 'currency', v_order.currency, 'card_payment_id', v_card.id,
                         'payment_status', v_order.payment_status, 'outstanding_amount', v_order.outstanding_amount),
      p_step.actor, p_step.correlation_id);
  end if;
end $$;
comment on function ledger.mark_order_of_card(ledger.card_step) is
  'Gives the order of a card payment the payment status that its money and surplus say, with an event where it was another.';

/*
 * Brings the books to where the events of a card payment say that they are: first what was captured, then
 * what was refunded, then what is disputed, whatever came when. To keep to that order, what was taken out
 * of the payment is put back before anything new of an earlier kind is booked, and taken out again after it: so
 * the order, the wallet and the chart end up the same. Answers what is not in the books and why, or null.
 */
create function ledger.book_card_payment(p_step ledger.card_step, p_facts ledger.card_facts, p_was_final boolean)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_card public.card_payments := p_step.card;
  v_captured bigint := ledger.booked_of_card(v_card.id, '{captured}');
  v_refunded bigint;
  v_wanted bigint;
  v_allows boolean;
  v_object record;
  v_problem text;
begin
  -- a backfill waits for nobody: what would change allocations waits for it
  v_problem := ledger.refuse_card_during_backfill(v_card) ->> 'error_code';
  if v_problem is not null then
    return v_problem;
  end if;

  -- something new that comes before what was taken out, or something of that which was won
  if p_facts.captured_amount > v_captured
     or exists (select from ledger.card_objects(v_card) o
                where case when not o.is_refund then o.amount < o.taken_out_amount
                           else o.settled_amount + o.taken_out_amount = 0
                             or (o.has_failed and (o.taken_out_amount > 0 or not o.has_failed_in_the_books))
                             or (p_facts.is_final and not p_was_final and o.taken_out_amount > 0) end) then
    for v_object in select * from ledger.card_objects(v_card) o where o.taken_out_amount > 0 loop
      v_problem := coalesce(v_problem, ledger.capture_card(p_step, 'put_back', v_object.object_id, v_object.is_refund, v_object.taken_out_amount) ->> 'error_code');
    end loop;
  end if;

  -- captured
  if p_facts.captured_amount > v_captured and v_problem is null then
    v_problem := ledger.capture_card(p_step, 'captured', null, null, p_facts.captured_amount - v_captured) ->> 'error_code';
  end if;
  v_captured := ledger.booked_of_card(v_card.id, '{captured}');
  if v_captured = 0 then
    return v_problem;
  end if;

  -- refunded: what fits, by name; what failed went out and came back
  v_allows := ledger.card_allows(v_card, p_facts.is_final);
  v_refunded := (select coalesce(sum(o.settled_amount + o.taken_out_amount), 0) from ledger.card_objects(v_card) o where o.is_refund and not o.has_failed);
  for v_object in select * from ledger.card_objects(v_card) o where o.is_refund loop
    if v_object.settled_amount + v_object.taken_out_amount < v_object.amount then
      if v_object.has_failed and v_object.settled_amount = 0 then
        v_problem := coalesce(ledger.book_card_refund(p_step, v_object.object_id, v_object.amount, true, v_object.refund_id, v_allows), v_problem);
      elsif not v_object.has_failed and v_refunded + v_object.amount - v_object.settled_amount - v_object.taken_out_amount > v_captured then
        v_problem := 'more_than_captured';
      elsif not v_object.has_failed then
        v_problem := coalesce(ledger.book_card_refund(p_step, v_object.object_id, v_object.amount - v_object.settled_amount - v_object.taken_out_amount,
                                                      false, v_object.refund_id, v_allows), v_problem);
        v_refunded := v_refunded + v_object.amount - v_object.settled_amount - v_object.taken_out_amount;
      end if;
    end if;
    if v_object.has_failed and not v_object.has_failed_in_the_books
       or v_object.has_failed and ledger.booked_of_card(v_card.id, '{surplus_returned,allowed,paid_out}', v_object.object_id, true) > v_object.settled_amount then
      v_problem := coalesce(ledger.fail_card_refund(p_step, v_object.object_id), v_problem);
    end if;
  end loop;

  -- disputed: as far as it was captured and not refunded
  v_wanted := v_captured - v_refunded;
  for v_object in select * from ledger.card_objects(v_card) o where not o.is_refund loop
    if v_object.amount > v_wanted then
      v_problem := coalesce(v_problem, 'more_than_captured');
    end if;
    v_object.amount := least(v_object.amount, v_wanted);
    v_wanted := v_wanted - v_object.amount;
    if v_object.amount > v_object.taken_out_amount
       and ledger.take_out_of_card(p_step, 'taken_out', v_object.object_id, false, v_object.amount - v_object.taken_out_amount,
                                   'charged back by ' || v_card.provider, false) < v_object.amount - v_object.taken_out_amount then
      v_problem := coalesce(v_problem, 'more_than_captured');
    end if;
  end loop;
  perform ledger.mark_order_of_card(p_step);
  return v_problem;
end $$;
comment on function ledger.book_card_payment(ledger.card_step, ledger.card_facts, boolean) is
  'Books what the events of a card payment with an order say and the books do not say yet; the code of what stood in the way, or null.';
