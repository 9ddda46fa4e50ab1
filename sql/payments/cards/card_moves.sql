/* The single steps by which the books follow a card payment. Its orders and accounts are locked and ledger.procedure is set. */

/* Whose step it is: what every one of them is told. */
create type ledger.card_step as (
  card public.card_payments,
  event_id text,
  actor ledger.actor,
  correlation_id uuid
);
comment on type ledger.card_step is 'The card payment, the event that gave occasion, who acts, and the operation''s correlation.';

create function ledger.write_card_booking(
  p_step ledger.card_step, p_kind text, p_object_id text, p_is_refund boolean, p_amount bigint, p_payment_id uuid, p_refund_id uuid,
  p_transaction_id uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.card_bookings (card_payment_id, account_id, event_id, kind, object_id, is_refund, amount, payment_id, refund_id, transaction_id)
  values ((p_step.card).id, (p_step.card).account_id, p_step.event_id, p_kind, p_object_id, p_is_refund, p_amount, p_payment_id, p_refund_id, p_transaction_id);
end $$;
comment on function ledger.write_card_booking(ledger.card_step, text, text, boolean, bigint, uuid, uuid, uuid) is 'Records what the books did about a card payment.';

/* What is booked of a card payment, by kind, for one refund or dispute or (null) for all. Minor units. */
create function ledger.booked_of_card(p_card_payment_id uuid, p_kinds text[], p_object_id text default null, p_is_refund boolean default null)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select coalesce(sum(b.amount), 0)::bigint
          from public.card_bookings b
          where b.card_payment_id = p_card_payment_id and b.kind = any (p_kinds) 
            and (p_object_id is null or (b.object_id = p_object_id and b.is_refund = p_is_refund)));
end $$;
comment on function ledger.booked_of_card(uuid, text[], text, boolean) is 'Sum of the bookings of these kinds.';

/*
 * Money leaves: out of the payments that it came in as, the newest first. Of all of them together it is the remainder that goes
 * first, then what orders have, then what the wallet got, as ledger.charge_back does it of one. With
 * p_only_surplus only what is more than the orders needed is taken, and not what a failed refund left in the
 * wallet. Answers how much it was.
 */
create function ledger.take_out_of_card(
  p_step ledger.card_step, p_kind text, p_object_id text, p_is_refund boolean, p_amount bigint, p_reason text, p_only_surplus boolean)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_card_id uuid := (p_step.card).id;
  v_ids uuid[] := array(select p.id from unnest(ledger.payments_of_card(v_card_id)) p (id)
                        where not p_only_surplus or p.id not in (select b.payment_id from public.card_bookings b
                                                                 where b.card_payment_id = v_card_id and b.kind = 'surplus_failed')
                        order by p.id desc);
  v_source record;
  v_payment public.payments;
  v_taken bigint;
  v_left bigint := p_amount;
  v_charged_back ledger.charged_back_payment;
begin
  for v_source in
    select s.place, p.id
    from unnest(case when p_only_surplus then '{surplus}' when cardinality(v_ids) = 1 then '{anywhere}'
                     else '{remainder,order,anywhere}' end::text[]) with ordinality s (place, step)
    cross join unnest(v_ids) with ordinality p (id, position)
    order by s.step, p.position
  loop
    exit when v_left = 0;
    v_payment := (select p from public.payments p where p.id = v_source.id);
    v_taken := least(v_left, v_payment.amount - v_payment.charged_back_amount, case v_source.place
      when 'surplus' then v_payment.unapplied_amount + v_payment.credit_amount
      when 'remainder' then v_payment.unapplied_amount
      when 'order' then least(v_payment.allocated_amount + v_payment.applied_amount,
                              (select ledger.held_from_outside(o) from public.orders o where o.id = (p_step.card).order_id))
      else v_left end);
    continue when v_payment.status <> 'captured' or v_taken <= 0;
    v_charged_back := ledger.charge_back(
      row(v_payment, (select a from public.accounts a where a.id = v_payment.account_id), ledger.orders_of_payment(v_source.id))::ledger.locked_payment,
      v_taken, p_reason, p_step.actor, p_step.correlation_id, p_only_surplus);
    exit when v_charged_back.refusal is not null;
    perform ledger.write_card_booking(p_step, p_kind, p_object_id, p_is_refund, v_taken, v_source.id, null, v_charged_back.transaction_id);
    v_left := v_left - v_taken;
  end loop;
  return p_amount - v_left;
end $$;
comment on function ledger.take_out_of_card(ledger.card_step, text, text, boolean, bigint, text, boolean) is
  'Takes p_amount (minor units) of a card payment out of the books, as far as it is there; answers how much.';

/* Settles a refund of ours as the provider says. What somebody has settled the same way before is only noted. */
create function ledger.settle_card_refund(p_step ledger.card_step, p_object_id text, p_refund_id uuid, p_action text, p_kind text)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_card public.card_payments := p_step.card;
  v_refund public.refunds := (select f from public.refunds f where f.account_id = v_card.account_id and f.id = p_refund_id);
  v_settled ledger.settled_refund;
begin
  if v_refund.payout_status <> p_action then
    v_settled := ledger.settle_refund(
      (select o from public.orders o where o.account_id = v_card.account_id and o.id = v_card.order_id),
      (select a from public.accounts a where a.id = v_card.account_id),
      v_refund, p_action, p_object_id, p_step.actor, p_step.correlation_id, true);
    if v_settled.refusal is not null then
      return v_settled.refusal;
    end if;
  end if;
  perform ledger.write_card_booking(p_step, p_kind, p_object_id, true, v_refund.payout_amount, null, p_refund_id, v_settled.transaction_id);
  return null;
end $$;
comment on function ledger.settle_card_refund(ledger.card_step, text, uuid, text, text) is
  'Marks the payout of a refund paid or failed because the card provider did so; a refusal, or null.';
