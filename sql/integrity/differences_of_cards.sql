/* What card payments say, beside the events they sum up, what was booked of them, and the payments that were made of that. */
create function ledger.differences_of_cards()
returns table (check_code text, subject text, expected text, found text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with booked as (
    select b.card_payment_id,
           sum(b.amount) filter (where b.kind = 'captured') as captured
    from public.card_bookings b
    group by b.card_payment_id),
  per_payment as (
    select b.payment_id,
           sum(b.amount) filter (where b.kind in ('captured', 'put_back', 'surplus_failed')) as came_in,
           sum(b.amount) filter (where b.kind in ('taken_out', 'surplus_returned')) as went_out,
           array_agg(distinct b.account_id) as account_ids
    from public.card_bookings b
    where b.payment_id is not null
    group by b.payment_id)
  select 'card_payment_equals_its_events', c.id::text,
         format('%s %s/%s/%s/%s', f.status, f.authorised_amount, f.captured_amount, f.refunded_amount, f.charged_back_amount),
         format('%s %s/%s/%s/%s', c.status, c.authorised_amount, c.captured_amount, c.refunded_amount, c.charged_back_amount)
  from public.card_payments c
  cross join lateral ledger.card_facts_of(c) f
  where (f.status, f.authorised_amount, f.captured_amount, f.refunded_amount, f.charged_back_amount)
        <> (c.status, c.authorised_amount, c.captured_amount, c.refunded_amount, c.charged_back_amount)
  union all
  select 'captured_cards_are_booked', c.id::text, c.captured_amount::text, coalesce(b.captured, 0)::text
  from public.card_payments c
  left join booked b on b.card_payment_id = c.id
  where c.order_id is not null and c.problem is null and c.captured_amount <> coalesce(b.captured, 0)
  union all
  -- what failed is booked as far as it moved anything
  select 'card_refunds_and_disputes_are_booked', format('%s/%s', c.id, o.object_id), o.amount::text, format('%s/%s', o.settled_amount, o.taken_out_amount)
  from public.card_payments c
  cross join lateral ledger.card_objects(c) o
  where c.problem is null and c.captured_amount > 0
    and case when o.has_failed then o.taken_out_amount <> 0 or not o.has_failed_in_the_books
             else o.amount <> o.settled_amount + o.taken_out_amount end
  union all
  select 'card_bookings_equal_payments', p.id::text, format('%s/%s of %s', p.amount, p.charged_back_amount, p.account_id),
         format('%s/%s of %s', coalesce(b.came_in, 0), coalesce(b.went_out, 0), b.account_ids)
  from public.payments p
  left join per_payment b on b.payment_id = p.id
  where (p.source = 'card' or b.payment_id is not null)
    and (p.amount, p.charged_back_amount, array[p.account_id]) is distinct from (coalesce(b.came_in, 0), coalesce(b.went_out, 0), b.account_ids);
$$;
comment on function ledger.differences_of_cards() is 'Card payments that differ from their events, and bookings that differ from card payments or payments.';
