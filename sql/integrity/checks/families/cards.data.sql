-- what card payments say, beside the events they sum up, what was booked of them, and the payments that were made of that
insert into public.integrity_checks (family, code, severity, repair, proves, query) values
  ('cards', 'card_payment_equals_its_events', 'error', 'card_payment', 'Each card payment says what its provider''s messages come to.', $$
    select c.id, c.account_id, format('%s %s/%s/%s/%s', f.status, f.authorised_amount, f.captured_amount, f.refunded_amount, f.charged_back_amount),
           format('%s %s/%s/%s/%s', c.status, c.authorised_amount, c.captured_amount, c.refunded_amount, c.charged_back_amount),
           c.captured_amount - f.captured_amount
    from card_payments c
    cross join lateral ledger.card_facts_of(row(c.*)::public.card_payments) f
    where (f.status, f.authorised_amount, f.captured_amount, f.refunded_amount, f.charged_back_amount)
          <> (c.status, c.authorised_amount, c.captured_amount, c.refunded_amount, c.charged_back_amount)
  $$),
  ('cards', 'card_booking_has_its_event', 'critical', null, 'What was booked of a card payment has the provider''s message that gave occasion to it.', $$
    select b.id, b.account_id, format('the event %s of its card payment', b.event_id), 'none', b.amount
    from card_bookings b
    left join public.card_payments c on c.id = b.card_payment_id
    left join public.card_events e on e.provider = c.provider and e.event_id = b.event_id and e.card_payment_id = c.id
    where e.event_id is null
  $$),
  ('cards', 'captured_cards_are_booked', 'critical', null, 'What was captured from a card is booked whole.', $$
    select c.id, c.account_id, c.captured_amount, coalesce(b.captured, 0), coalesce(b.captured, 0) - c.captured_amount
    from card_payments c
    left join (select n.card_payment_id, sum(n.amount) filter (where n.kind = 'captured') as captured
               from card_bookings n group by n.card_payment_id) b on b.card_payment_id = c.id
    where c.order_id is not null and c.problem is null and c.captured_amount <> coalesce(b.captured, 0)
  $$),
  -- what failed is booked as far as it moved anything
  ('cards', 'card_refunds_and_disputes_are_booked', 'critical', null, 'Each refund and dispute at the provider is booked whole.', $$
    select format('%s/%s', c.id, o.object_id), c.account_id, o.amount, format('%s/%s', o.settled_amount, o.taken_out_amount),
           o.settled_amount + o.taken_out_amount - case when o.has_failed then 0 else o.amount end
    from card_payments c
    cross join lateral ledger.card_objects(row(c.*)::public.card_payments) o
    where c.problem is null and c.captured_amount > 0
      and exists (select from public.card_events e
                  where e.card_payment_id = c.id and e.kind in ('refunded', 'refund_failed', 'charged_back', 'charge_back_won'))
      and case when o.has_failed then o.taken_out_amount <> 0 or not o.has_failed_in_the_books
               else o.amount <> o.settled_amount + o.taken_out_amount end
  $$),
  ('cards', 'card_bookings_equal_payments', 'critical', null, 'Each payment made by card is what was booked of card payments, in their customer''s account.', $$
    select p.id, p.account_id, format('%s/%s of %s', p.amount, p.charged_back_amount, p.account_id),
           format('%s/%s of %s', coalesce(b.came_in, 0), coalesce(b.went_out, 0), b.account_ids),
           abs(coalesce(b.came_in, 0) - p.amount) + abs(coalesce(b.went_out, 0) - p.charged_back_amount)
    from payments p
    left join (select n.payment_id,
                      sum(n.amount) filter (where n.kind in ('captured', 'put_back', 'surplus_failed')) as came_in,
                      sum(n.amount) filter (where n.kind in ('taken_out', 'surplus_returned')) as went_out,
                      array_agg(distinct n.account_id) as account_ids
               from card_bookings n
               where n.payment_id is not null
               group by n.payment_id) b on b.payment_id = p.id
    where (p.source = 'card' or b.payment_id is not null)
      and (p.amount, p.charged_back_amount, array[p.account_id]) is distinct from (coalesce(b.came_in, 0), coalesce(b.went_out, 0), b.account_ids)
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;
