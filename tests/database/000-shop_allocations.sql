-- Payments on account and what is allocated of them, for the tests. Needs the shops of 000-shop.sql and 000-shop_invoices.sql and, like them, stays when the file is done.

/* A transfer on account from a customer, known by its reference; answers its id. */
create or replace function tests.receive(name text, customer text, amount bigint, currency text default 'USD') returns uuid
language sql set search_path = '' as $$
  select (tests.expect_success(p)).payment_id
  from public.ledger_record_payment(p_amount => amount, p_reference => name, p_user_id => tests.get_supabase_uid(customer), p_currency => receive.currency) p;
$$;

/* Whoever asks. */
create or replace function tests.payment_id(name text) returns uuid
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_id uuid := (select p.id from public.payments p where p.reference = payment_id.name order by p.id desc limit 1);
begin
  if v_id is null then
    raise exception 'there is no payment called %', name;
  end if;
  return v_id;
end $$;

/* p_lines of names and amounts: tests.shares('advice 300', 'office 100'). */
create or replace function tests.shares(variadic lines text[]) returns jsonb
language plpgsql volatile set search_path = '' as $$
begin
  return (select jsonb_agg(jsonb_build_object('invoice_id', tests.invoice_id(split_part(l.line, ' ', 1)), 'amount', split_part(l.line, ' ', 2)::bigint) order by l.position)
          from unnest(lines) with ordinality l (line, position));
end $$;

/* What ledger_allocate_payment answers for a payment of this name. */
create or replace function tests.allocate(name text, variadic lines text[]) returns setof public.ledger_allocate_payment_result
language sql volatile set search_path = '' as $$
  select a.* from public.ledger_allocate_payment(tests.payment_id(name), tests.shares(variadic lines)) a;
$$;

/* What a payment of this name has allocated and has left, as "400/600". */
create or replace function tests.used(name text) returns text
language sql volatile security definer set search_path = '' as $$
  select format('%s/%s', p.allocated_amount, p.unapplied_amount) from public.payments p where p.id = tests.payment_id(name);
$$;

/* The live allocation of a payment to an invoice, both by name. */
create or replace function tests.allocation_id(payment text, invoice text) returns uuid
language plpgsql volatile security definer set search_path = '' as $$
begin
  return (select l.id
          from public.payments p
          cross join lateral ledger.live_allocations(p.account_id, tests.invoice_id(invoice), p.id) l
          where p.id = tests.payment_id(payment));
end $$;

begin;
select plan(1);
select has_function('tests', 'allocation_id', 'the helpers for allocations are in place');
select * from finish();
rollback;
