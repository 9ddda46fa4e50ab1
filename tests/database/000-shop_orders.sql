-- Orders for the tests, known by a name that is kept in their notes, and what to look at after a
-- call. Needs the shop of 000-shop.sql and, like it, stays when the file is done.

/* p_items of several lines: tests.lines('mug x 2', 'cup x 1'). */
create or replace function tests.lines(variadic lines text[]) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_agg(jsonb_build_object('variant_id', tests.get_variant_id(split_part(l.line, ' x ', 1)),
                                      'quantity', split_part(l.line, ' x ', 2)::bigint) order by l.position)
  from unnest(lines) with ordinality l (line, position);
$$;

/* Back from authenticate_as to the session's own role, with nobody signed in. */
create or replace function tests.act_as_owner() returns void
language plpgsql set search_path = '' as $$
begin
  perform set_config('request.jwt.claims', '', true);
  perform set_config('role', 'none', true);
end $$;

/* The customer signs in and places an order of this name. */
create or replace function tests.place_named_order(
  name text, customer text, items jsonb, payment_method text default 'wallet', discount_code text default null
) returns uuid language plpgsql set search_path = '' as $$
declare
  v_answer public.ledger_place_order_result;
begin
  perform tests.authenticate_as(customer);
  select p.* into v_answer
  from public.ledger_place_order(items, place_named_order.payment_method,
    p_discount_code => place_named_order.discount_code, p_notes => name) p;
  perform tests.act_as_owner();
  return (tests.expect_success(v_answer)).order_id;
end $$;

/* Volatile, or the planner would ask for an order before the step that places it. */
create or replace function tests.order_id(name text) returns uuid
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_id uuid := (select o.id from public.orders o where o.notes = order_id.name);
begin
  if v_id is null then
    raise exception 'there is no order called %', name;
  end if;
  return v_id;
end $$;

/* The order's row, whoever asks. */
create or replace function tests.order_named(name text) returns setof public.orders
language sql stable security definer set search_path = '' as $$
  select o.* from public.orders o where o.id = tests.order_id(name);
$$;

/* What ledger_change_order_status answers to a change of this order from its present status. */
create or replace function tests.change_status(name text, new_status text, metadata jsonb default '{}')
returns setof public.ledger_change_order_status_result
language sql set search_path = '' as $$
  select c.*
  from tests.order_named(name) o
  cross join lateral public.ledger_change_order_status(o.user_id, o.id, o.status, new_status, o.total_amount, change_status.metadata) c;
$$;

/* Changes a setting as the dashboard does. */
create or replace function tests.set_setting(key text, value jsonb) returns void
language plpgsql set search_path = '' as $$
begin
  update public.settings s set value = set_setting.value where s.key = set_setting.key;
  if not found then
    raise exception 'there is no setting %', key;
  end if;
end $$;

/* The customer's account, whoever asks. */
create or replace function tests.account(identifier text, currency text default 'USD') returns setof public.accounts
language sql stable security definer set search_path = '' as $$
  select a.* from public.accounts a
  where a.user_id = tests.get_supabase_uid(identifier) and a.currency = account.currency;
$$;

/* The two figures that orders move, total_orders and available_balance, as "1500/4500" (source 003). */
create or replace function tests.orders_and_available(identifier text, currency text default 'USD') returns text
language sql stable security definer set search_path = '' as $$
  select a.total_orders || '/' || a.available_balance from tests.account(identifier, currency) a;
$$;

create or replace function tests.stock(sku text) returns bigint
language sql stable security definer set search_path = '' as $$
  select s.stock_quantity from public.variant_stock s where s.variant_id = tests.get_variant_id(sku);
$$;

/* Balance of an account of the chart within one customer's books, positive on its normal side. */
create or replace function tests.booked(identifier text, chart_account text, currency text default 'USD') returns bigint
language sql stable security definer set search_path = '' as $$
  select coalesce(sum(case when (p.debit_account = c.code) = (c.normal_side = 'debit') then p.amount else -p.amount end), 0)::bigint
  from public.chart_accounts c
  join public.postings p on c.code in (p.debit_account, p.credit_account)
  where c.code = booked.chart_account and p.account_id = (select a.id from tests.account(identifier, booked.currency) a);
$$;

/* Outbox messages of a type, oldest first, whose payload contains this. */
create or replace function tests.messages(type text, about jsonb) returns setof jsonb
language sql stable security definer set search_path = '' as $$
  select m.payload from ledger.outbox_messages m where m.type = messages.type and m.payload @> about order by m.id;
$$;

/*
 * What a call comes to, undone again: 'success', the code of the refusal, or the SQLSTATE that it
 * raises. The caller is a user, or the session itself when null.
 */
create or replace function tests.outcome(caller text, call text) returns text
language plpgsql set search_path = public as $$
declare
  v_outcome text;
begin
  if caller is not null then
    perform tests.authenticate_as(caller);
  end if;
  execute format('select case when answer.success then ''success'' else answer.error_code end from %s as answer', call)
  into v_outcome;
  -- the exception takes back what the call did, and who was signed in
  raise exception using errcode = 'P0099', message = coalesce(v_outcome, 'no answer');
exception
  when sqlstate 'P0099' then return sqlerrm;
  when others then return sqlstate;
end $$;

begin;
select plan(1);
select has_function('tests', 'place_named_order', 'the helpers for orders are in place');
select * from finish();
rollback;
