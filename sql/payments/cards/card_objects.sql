/* How far each refund and dispute of a card payment is booked. */
create function ledger.card_objects(p_card public.card_payments)
returns table (object_id text, is_refund boolean, amount bigint, has_failed boolean, refund_id uuid,
               settled_amount bigint, taken_out_amount bigint, has_failed_in_the_books boolean)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select o.object_id, o.is_refund, o.amount, o.has_failed, o.refund_id,
           ledger.booked_of_card(p_card.id, '{surplus_returned,allowed,paid_out}', o.object_id, o.is_refund),
           ledger.booked_of_card(p_card.id, '{taken_out}', o.object_id, o.is_refund)
             - ledger.booked_of_card(p_card.id, '{put_back}', o.object_id, o.is_refund),
           ledger.booked_of_card(p_card.id, '{surplus_failed,payout_failed}', o.object_id, o.is_refund)
             >= ledger.booked_of_card(p_card.id, '{surplus_returned,allowed,paid_out}', o.object_id, o.is_refund)
    from (select r.object_id, true as is_refund, r.amount, r.has_failed, r.refund_id from ledger.card_refunds(p_card) r
          union all
          select d.object_id, false, d.amount, false, null from ledger.card_disputes(p_card) d) o
    order by o.object_id, o.is_refund;
end $$;
comment on function ledger.card_objects(public.card_payments) is
  'Refunds and disputes of a card payment: amount at the provider, and what the books made of it (settled for good, or taken out until more is known). Minor units.';

/* Why what became of a card payment cannot be booked now: it is about invoices, and a backfill keeps allocations as they are; or null. */
create function ledger.refuse_card_during_backfill(p_card public.card_payments)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when (exists (select from public.payments p where p.id = any (ledger.payments_of_card(p_card.id)) and p.allocated_amount > 0)
          or exists (select from public.invoices i
                     where i.account_id = p_card.account_id and i.order_id = p_card.order_id and i.kind = 'invoice' and i.status = 'issued'))
         and exists (select from ledger.card_objects(p_card) o
                     where case when not o.is_refund then o.amount <> o.taken_out_amount
                                when o.has_failed then o.taken_out_amount > 0 or o.settled_amount = 0 or not o.has_failed_in_the_books
                                else o.amount > o.settled_amount + o.taken_out_amount end)
      then ledger.refuse_during_backfill() end;
end $$;
comment on function ledger.refuse_card_during_backfill(public.card_payments) is
  'The refusal for booking refunds and disputes of a card payment that invoices are paid by, while allocations are closed; or null.';
