-- Invoices for the tests. Needs the shop of 000-shop.sql and, like it, stays when the file is done.

/* p_lines of a free invoice: tests.invoice_lines('work x 2 at 500', 'paper x 1 at 300 tax 700'). */
create or replace function tests.invoice_lines(variadic lines text[]) returns jsonb
language sql immutable set search_path = '' as $$
  select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
    'description', split_part(l.line, ' x ', 1),
    'quantity', substring(l.line from ' x ([0-9]+)')::bigint,
    'unit_price_amount', substring(l.line from ' at ([0-9]+)')::bigint,
    'discount_amount', substring(l.line from ' less ([0-9]+)')::bigint,
    'tax_rate_bp', substring(l.line from ' tax ([0-9]+)')::integer)) order by l.position)
  from unnest(lines) with ordinality l (line, position);
$$;

/* A free invoice for a customer, known by its reference; answers its id. */
create or replace function tests.invoice_customer(name text, customer text, variadic lines text[]) returns uuid
language sql set search_path = '' as $$
  select (tests.expect_success(i)).invoice_id
  from public.ledger_issue_invoice(p_user_id => tests.get_supabase_uid(customer), p_lines => tests.invoice_lines(variadic lines),
                                   p_reference => name) i;
$$;

/* The invoice of an order of this name (tests.place_named_order), known by the same; answers its id. */
create or replace function tests.invoice_order(name text) returns uuid
language plpgsql set search_path = '' as $$
begin
  return (select (tests.expect_success(i)).invoice_id from public.ledger_issue_invoice(tests.order_id(name), p_reference => name) i);
end $$;

/* Whoever asks; the live one where there are several of this name. */
create or replace function tests.invoice_id(name text) returns uuid
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_id uuid := (select i.id from public.invoices i where i.reference = invoice_id.name order by i.status, i.id limit 1);
begin
  if v_id is null then
    raise exception 'there is no invoice called %', name;
  end if;
  return v_id;
end $$;

/* What an invoice claims, has allocated and has left, as "1000/400/600 partial". */
create or replace function tests.claim(name text) returns text
language plpgsql volatile security definer set search_path = '' as $$
begin
  return (select format('%s/%s/%s %s', b.amount, b.allocated_total, b.remaining_amount, b.status_cached)
          from public.invoice_balance_cache b where b.invoice_id = tests.invoice_id(name));
end $$;

/* What of an account of this customer is owed by invoices, and unapplied, as "600/0". */
create or replace function tests.debt(customer text, currency text default 'USD') returns text
language plpgsql volatile security definer set search_path = '' as $$
begin
  return (select c.debt_amount || '/' || c.unapplied_amount from public.account_debt_cache c
          where c.account_id = ledger.account_id(tests.get_supabase_uid(customer), debt.currency));
end $$;

/* A transfer for an invoice of this name, allocated to it. */
create or replace function tests.pay_invoice(name text, amount bigint, reference text default null) returns uuid
language sql set search_path = '' as $$
  select (tests.expect_success(p)).payment_id
  from public.ledger_record_payment(p_invoice_id => tests.invoice_id(name), p_amount => amount, p_reference => reference) p;
$$;

/*
 * An office beside the shop of tests.open_shop: olga owes for a confirmed order of three MUG by an invoice, of which
 * one was given up again (a credit note) and a part is paid; and for a free invoice of two rates, of which a part was
 * credited and a part is paid. A third one of hers is void, and a spare one untouched. ann has paid a part of her rent.
 */
create or replace function tests.open_office() returns void
language plpgsql set search_path = '' as $$
begin
  perform tests.create_customer('olga');
  perform tests.offer('bank_transfer_grace');
  perform tests.place_named_order('office', 'olga', tests.items('MUG', 3), 'bank_transfer_grace');
  perform tests.move_order(tests.order_id('office'), 'confirmed');
  perform tests.invoice_order('office');
  perform tests.expect_success(r)
  from public.ledger_refund_order(tests.order_id('office'), '[{"line_number": 1, "quantity": 1, "unshipped": true}]') r;
  perform tests.pay_invoice('office', 300, 'O-1');
  perform tests.invoice_customer('advice', 'olga', 'advice x 2 at 1000 tax 1900', 'book x 1 at 500 tax 700');
  perform tests.expect_success(c) from public.ledger_credit_invoice(tests.invoice_id('advice'), p_amount => 500, p_reason => 'goodwill') c;
  perform tests.pay_invoice('advice', 800, 'O-2');
  perform tests.invoice_customer('mistake', 'olga', 'nothing x 1 at 100');
  perform tests.expect_success(v) from public.ledger_void_invoice(tests.invoice_id('mistake'), 'issued by mistake') v;
  perform tests.invoice_customer('spare', 'olga', 'nothing much x 1 at 100');
  perform tests.invoice_customer('rent', 'ann', 'rent x 1 at 900');
  perform tests.pay_invoice('rent', 100, 'O-3');
  -- what waits for the commit is checked now: a table with such checks cannot be truncated or altered
  set constraints all immediate;
  set constraints all deferred;
end $$;

begin;
select plan(1);
select has_function('tests', 'open_office', 'the helpers for invoices are in place');
select * from finish();
rollback;
