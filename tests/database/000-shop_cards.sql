-- Events of a card provider for the tests. Needs the shop of 000-shop.sql and, like it, stays when the file is done.

/* An event as an adapter hands it over, about the card payment "pi_<name>" of the order of this name. */
create or replace function tests.card_event(name text, kind text, amount bigint, more jsonb default '{}') returns jsonb
language sql volatile set search_path = '' as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'event_id', format('evt_%s_%s_%s_%s', name, kind, amount, coalesce(more ->> 'object_id', '')), 'kind', kind, 'provider_payment_id', 'pi_' || name,
    'amount', amount, 'currency', 'USD', 'order_id', (select o.id from public.orders o where o.notes = name),
    'occurred_at', '2026-03-01T12:00:00Z')) || more;
$$;

/* It arrives. */
create or replace function tests.card(name text, kind text, amount bigint, more jsonb default '{}')
returns setof public.ledger_confirm_payment_result
language sql volatile set search_path = '' as $$
  select c.* from public.ledger_confirm_payment('stripe', tests.card_event(card.name, card.kind, card.amount, card.more)) c;
$$;

/*
 * What the books say of an order and of its customer: status, payment status, credited, paid from outside and not
 * gone back, outstanding, the wallet, and the bank.
 */
create or replace function tests.books_of(name text) returns text
language sql volatile security definer set search_path = '' as $$
  select format('%s %s credited %s held %s outstanding %s wallet %s bank %s', o.status, o.payment_status, o.credited_amount,
                o.paid_amount - o.refunded_amount, o.outstanding_amount, a.available_balance,
                (select coalesce(sum(case 'bank' when p.debit_account then p.amount when p.credit_account then -p.amount else 0 end), 0)
                 from public.postings p where p.account_id = a.id))
  from public.orders o
  join public.accounts a on a.id = o.account_id
  where o.notes = books_of.name;
$$;

/*
 * Adds to tests.open_shop what needs cards: ann's order of one TEA (4.28 with tax), in processing, paid by card,
 * of which the shop gave back 0.28 at the provider and 1.00 is disputed; and a capture for an order that there is not.
 */
create or replace function tests.open_cards() returns void
language plpgsql set search_path = '' as $$
declare
  v_order_id uuid;
begin
  v_order_id := (tests.expect_success(o)).order_id
  from public.ledger_place_order(tests.items('TEA'), 'bank_transfer', p_notes => 'by card', p_user_id => tests.get_supabase_uid('ann')) o;
  perform tests.expect_success(c) from tests.card('by card', 'authorised', 428) c;
  perform tests.expect_success(c) from tests.card('by card', 'captured', 428) c;
  perform tests.move_order(v_order_id, 'processing');
  perform tests.expect_success(c) from tests.card('by card', 'refunded', 28, '{"object_id": "re_card"}') c;
  perform tests.expect_success(c) from tests.card('by card', 'charged_back', 100, '{"object_id": "dp_card"}') c;
  perform tests.expect_success(c) from tests.card('nowhere', 'captured', 500) c;
end $$;

begin;
select plan(1);
select has_function('tests', 'open_cards', 'the helpers for cards are in place');
select * from finish();
rollback;
