-- A shop for the tests: goods with stock, customers with money, staff. All of it through the same
-- procedures that users call; to be called as postgres, so `reset role` first. Each one raises when
-- a procedure refuses, so that a test never goes on with a shop that is not there.

/* What a procedure answered, or an exception with its error message. */
create or replace function tests.expect_success(answer anyelement) returns anyelement
language plpgsql set search_path = '' as $$
begin
  if not (to_jsonb(answer) ->> 'success')::boolean then
    raise exception 'the set-up was refused: %', to_jsonb(answer) ->> 'error_message';
  end if;
  return answer;
end $$;

/* A product with one variant, its stock received through ledger_adjust_stock. */
create or replace function tests.create_variant(
  sku text, stock bigint default 100, price bigint default 1000, currency text default 'USD', tax_rate_bp integer default null
) returns uuid language plpgsql set search_path = '' as $$
declare
  v_product_id uuid;
  v_variant_id uuid;
begin
  insert into public.products (name, tax_rate_bp) values ('Product ' || sku, create_variant.tax_rate_bp)
  returning id into v_product_id;
  insert into public.variants (product_id, sku, name, price_amount, currency)
  values (v_product_id, create_variant.sku, 'Variant ' || sku, price, create_variant.currency)
  returning id into v_variant_id;
  if stock > 0 then
    perform tests.expect_success(s) from public.ledger_adjust_stock(v_variant_id, stock) s;
  end if;
  return v_variant_id;
end $$;

/* Also for callers who may not see the catalogue. */
create or replace function tests.get_variant_id(sku text) returns uuid
language sql stable security definer set search_path = '' as $$
  select v.id from public.variants v where v.sku = get_variant_id.sku;
$$;

/* p_items of one line. */
create or replace function tests.items(sku text, quantity bigint default 1) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_array(jsonb_build_object('variant_id', tests.get_variant_id(sku), 'quantity', quantity));
$$;

/* A user who signed up, with this much in the wallet. */
create or replace function tests.create_customer(identifier text, balance bigint default 0, currency text default 'USD')
returns uuid language plpgsql set search_path = '' as $$
declare
  v_user_id uuid := tests.create_supabase_user(identifier);
begin
  if balance > 0 then
    perform tests.expect_success(c)
    from public.ledger_credit_account(v_user_id, balance, p_currency => create_customer.currency) c;
  end if;
  return v_user_id;
end $$;

/* A user with a staff role. */
create or replace function tests.create_staff(identifier text, role text) returns uuid
language plpgsql set search_path = '' as $$
declare
  v_user_id uuid := tests.create_supabase_user(identifier);
begin
  insert into public.user_roles (user_id, role) values (v_user_id, create_staff.role);
  return v_user_id;
end $$;

/* An order of one line, paid by the customer's wallet; answers its id. */
create or replace function tests.place_order(identifier text, sku text, quantity bigint default 1) returns uuid
language sql set search_path = '' as $$
  select (tests.expect_success(o)).order_id
  from public.ledger_place_order(tests.items(sku, quantity), p_user_id => tests.get_supabase_uid(identifier)) o;
$$;

/* Takes an order through these statuses, one after the other. */
create or replace function tests.move_order(order_id uuid, variadic statuses text[]) returns void
language plpgsql set search_path = '' as $$
declare
  v_order public.orders;
  v_status text;
begin
  foreach v_status in array statuses loop
    select o.* into v_order from public.orders o where o.id = move_order.order_id;
    perform tests.expect_success(c)
    from public.ledger_change_order_status(v_order.user_id, v_order.id, v_order.status, v_status, v_order.total_amount) c;
  end loop;
end $$;

/*
 * A shop in business, so that every table has rows. Variants MUG and TEA, shipping method POST,
 * discount code TEN; ann with orders pending (with address, shipping and discount), delivered and
 * cancelled, and withdrawals requested and paid; bob with a pending order and a requested
 * withdrawal; carol, whom ann referred, with a delivered order; a staff user per role, by its name.
 */
create or replace function tests.open_shop() returns void
language plpgsql set search_path = '' as $$
declare
  v_ann uuid := tests.create_customer('ann', 100000);
  v_bob uuid := tests.create_customer('bob', 50000);
  v_carol uuid := tests.create_customer('carol', 20000);
  v_address_id uuid;
  v_withdrawal_id uuid;
begin
  perform tests.create_staff(r.code, r.code) from public.roles r;
  perform tests.create_variant('MUG', 100, 1250), tests.create_variant('TEA', 100, 400, tax_rate_bp => 700);
  insert into public.shipping_methods (code, currency, name, price_amount) values ('POST', 'USD', 'Post', 500);
  insert into public.discount_codes (code, kind, percent_bp) values ('TEN', 'percent', 1000);
  perform tests.expect_success(r)
  from public.ledger_register_referral((select p.referral_code from public.profiles p where p.id = v_ann), p_user_id => v_carol) r;

  v_address_id := (tests.expect_success(a)).address_id
  from public.ledger_save_address('Ann', '1 Mill Lane', 'Basra', 'IQ', p_user_id => v_ann) a;
  perform tests.expect_success(o)
  from public.ledger_place_order(tests.items('MUG', 2) || tests.items('TEA', 3), p_user_id => v_ann,
    p_shipping_address_id => v_address_id, p_shipping_method => 'POST', p_discount_code => 'TEN', p_idempotency_key => 'ann-1') o;
  perform tests.move_order(tests.place_order('ann', 'TEA'), 'processing', 'delivered');
  perform tests.move_order(tests.place_order('ann', 'MUG'), 'cancelled');
  perform tests.place_order('bob', 'MUG');
  perform tests.move_order(tests.place_order('carol', 'MUG', 4), 'processing', 'delivered');

  perform tests.expect_success(w) from public.ledger_request_withdrawal(1000, '{"iban": "A"}', p_user_id => v_ann) w;
  perform tests.expect_success(w) from public.ledger_request_withdrawal(700, '{"iban": "B"}', p_user_id => v_bob) w;
  v_withdrawal_id := (tests.expect_success(w)).withdrawal_id
  from public.ledger_request_withdrawal(2000, '{"iban": "A"}', p_user_id => v_ann) w;
  perform tests.expect_success(w) from public.ledger_review_withdrawal(v_withdrawal_id, 'approve') w;
  perform tests.expect_success(w) from public.ledger_review_withdrawal(v_withdrawal_id, 'mark_paid') w;
end $$;

begin;
select plan(1);
select has_function('tests', 'create_customer', 'the shop helpers are in place');
select * from finish();
rollback;
