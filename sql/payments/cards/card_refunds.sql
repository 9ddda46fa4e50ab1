/* Whether a refund of ours is booked for one at the provider. */
create function ledger.is_refund_of_a_card(p_refund_id uuid)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (select from public.card_bookings b where b.refund_id = p_refund_id and b.kind in ('paid_out', 'allowed'));
end $$;
comment on function ledger.is_refund_of_a_card(uuid) is 'Whether the refund is booked for one at a card provider.';

/*
 * The payout of ours that a refund at the provider carries out: the one that somebody has settled by its name, else
 * the one it names itself, else the oldest of the order that waits for this amount; payouts of one amount take the place of
 * each other. Null when it is the shop's own doing at the provider.
 */
create function ledger.payout_of_card_refund(p_card public.card_payments, p_object_id text, p_refund_id uuid, p_amount bigint)
returns uuid
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select f.id
    from public.refunds f
    where f.account_id = p_card.account_id and f.order_id = p_card.order_id and f.payout_amount = p_amount
      and not ledger.is_refund_of_a_card(f.id)
      and (ledger.reference_key(f.payout_reference) = ledger.reference_key(p_object_id) or f.id = p_refund_id
           or (f.payout_status = 'pending'
               and (p_refund_id is null
                    or (ledger.is_refund_of_a_card(p_refund_id) and exists (
                          select from public.refunds n
                          where n.account_id = f.account_id and n.id = p_refund_id and n.order_id = f.order_id and n.payout_amount = p_amount)))))
    order by ledger.reference_key(f.payout_reference) is distinct from ledger.reference_key(p_object_id), f.id is distinct from p_refund_id, f.id
    limit 1);
end $$;
comment on function ledger.payout_of_card_refund(public.card_payments, text, uuid, bigint) is
  'The refund whose payout of p_amount (minor units) this is, or null.';

/*
 * Books a refund at the provider. A payout of ours is settled; where one of this amount was settled by hand under another
 * name, a person has to say whether it is this one. Else the shop did it there, and the money is gone: what
 * was more than the order needed goes first (a double payment that is given back leaves the order alone), then, where
 * the order allows it, an allowance. What neither covers is taken out of the payment until more is known,
 * and the order owes it again. A refund that has failed is not taken out: it would be put back.
 * Answers why it was not booked, or null.
 */
create function ledger.book_card_refund(
  p_step ledger.card_step, p_object_id text, p_amount bigint, p_has_failed boolean, p_refund_id uuid, p_allows boolean)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_card public.card_payments := p_step.card;
  v_payout_id uuid := ledger.payout_of_card_refund(v_card, p_object_id, p_refund_id, p_amount);
  v_left bigint := p_amount;
  v_reason text := 'refunded by ' || v_card.provider;
  v_problem text;
begin
  if v_payout_id is not null then
    v_problem := ledger.settle_card_refund(p_step, p_object_id, v_payout_id, case when p_has_failed and (
                   select f.payout_status from public.refunds f where f.account_id = v_card.account_id and f.id = v_payout_id) = 'failed'
                   then 'failed' else 'paid' end, 'paid_out') ->> 'error_code';
    -- one that was withdrawn, and whose money the order does not hold any more, is as if it had never been to be paid out
    if v_problem is distinct from 'refund_conflict' or not exists (
      select from public.refunds f where f.account_id = v_card.account_id and f.id = v_payout_id and f.payout_status = 'withdrawn') then
      return v_problem;
    end if;
  elsif p_refund_id is not null or exists (
    select from public.refunds f
    where f.account_id = v_card.account_id and f.order_id = v_card.order_id and f.payout_amount = p_amount
      and f.payout_status in ('paid', 'failed') and not ledger.is_refund_of_a_card(f.id)) then
    return 'refund_mismatch';
  end if;

  if p_allows then
    v_left := v_left - ledger.take_out_of_card(p_step, 'surplus_returned', p_object_id, true, v_left, v_reason, true);
    v_left := v_left - ledger.allow_to_card(p_step, p_object_id, v_left);
  end if;
  if p_has_failed then
    return null;
  end if;
  v_left := v_left - ledger.take_out_of_card(p_step, 'taken_out', p_object_id, true, v_left, v_reason, true);
  v_left := v_left - ledger.take_out_of_card(p_step, 'taken_out', p_object_id, true, v_left, v_reason, false);
  return case when v_left > 0 then 'more_than_captured' end;
end $$;
comment on function ledger.book_card_refund(ledger.card_step, text, bigint, boolean, uuid, boolean) is
  'Books a refund at the provider, or what is not booked of it (minor units); the code of what stood in the way, or null.';

/*
 * A refund at the provider came to nothing after all: the customer has it as wallet credit, as when
 * ledger_settle_refund says failed. Answers why it was not booked, or null.
 */
create function ledger.fail_card_refund(p_step ledger.card_step, p_object_id text)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_card_id uuid := (p_step.card).id;
  v_surplus bigint := ledger.booked_of_card(v_card_id, '{surplus_returned}', p_object_id, true)
                      - ledger.booked_of_card(v_card_id, '{surplus_failed}', p_object_id, true);
  v_refund_id uuid;
  v_refusal jsonb;
begin
  if v_surplus > 0 then
    v_refusal := ledger.capture_card(p_step, 'surplus_failed', p_object_id, true, v_surplus);
  end if;
  for v_refund_id in
    select b.refund_id from public.card_bookings b
    where b.card_payment_id = v_card_id and b.object_id = p_object_id and b.is_refund and b.kind in ('allowed', 'paid_out')
      and not exists (select from public.card_bookings f where f.refund_id = b.refund_id and f.kind = 'payout_failed')
  loop
    v_refusal := coalesce(v_refusal, ledger.settle_card_refund(p_step, p_object_id, v_refund_id, 'failed', 'payout_failed'));
  end loop;
  return v_refusal ->> 'error_code';
end $$;
comment on function ledger.fail_card_refund(ledger.card_step, text) is 'Books that a refund at the provider, which is booked, has failed; the code of what stood in the way, or null.';
