-- Orders that may go out unpaid, for the tests. Needs the shop of 000-shop.sql and, like it, stays when the file is done.

/* Offers payment methods as the dashboard does. */
create or replace function tests.offer(variadic methods text[]) returns void
language sql set search_path = '' as $$
  update public.payment_methods m set is_active = true where m.code = any (methods);
$$;

/* The clock goes on for the deadline of the order of this name: it passes so much earlier. */
create or replace function tests.bring_deadline_forward(name text, earlier interval) returns void
language plpgsql set search_path = '' as $$
begin
  perform set_config('ledger.procedure', 'tests', true);
  update public.payment_deadlines d set due_at = d.due_at - earlier where d.order_id = tests.order_id(name);
  perform set_config('ledger.procedure', '', true);
end $$;

/* "in_grace open", "unpaid overdue", ...: what the order and its deadline say; "-" where there is none. */
create or replace function tests.grace(name text) returns text
language plpgsql stable security definer set search_path = '' as $$
begin
  return (select format('%s %s', o.payment_status, coalesce((select d.status from public.payment_deadlines d where d.order_id = o.id), '-'))
          from tests.order_named(name) o);
end $$;

/* What the customer may owe, and their orders in grace at a time; null as in ledger_set_credit_terms. */
create or replace function tests.trust(customer text, credit_limit bigint default null, due_days integer default null, grace_orders integer default null)
returns void language sql set search_path = '' as $$
  select from (select tests.expect_success(t)
    from public.ledger_set_credit_terms(tests.get_supabase_uid(customer), 'USD', credit_limit, trust.due_days, grace_orders) t) s;
$$;

/*
 * Adds to tests.open_shop what needs trust: gus, who has credit terms, an order on invoice and one in grace; ann,
 * who has credit terms and a confirmed order that was not paid in time; each of one TEA (4.28 with tax).
 */
create or replace function tests.open_trust() returns void
language plpgsql set search_path = '' as $$
begin
  perform tests.create_customer('gus');
  perform tests.offer('bank_transfer_grace', 'invoice');
  perform tests.trust('gus', 10000, 14, 5), tests.trust('ann', grace_orders => 1);
  perform tests.place_named_order('on trust', 'gus', tests.items('TEA'), 'invoice');
  perform tests.place_named_order('in time', 'gus', tests.items('TEA'), 'bank_transfer_grace');
  perform tests.place_named_order('out of time', 'ann', tests.items('TEA'), 'bank_transfer_grace');
  perform tests.move_order(tests.order_id('out of time'), 'confirmed');
  perform tests.bring_deadline_forward('out of time', interval '1 year');
  perform tests.set_setting('grace_expiry', '"flag"');
  perform ledger.expire_grace();
  perform tests.set_setting('grace_expiry', '"cancel"');
end $$;

begin;
select plan(1);
select has_function('tests', 'offer', 'the helpers for grace and credit are in place');
select * from finish();
rollback;
