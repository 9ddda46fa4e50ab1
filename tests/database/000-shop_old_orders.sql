-- Orders of an older system that were broken there, brought in through the import.

/* Brings order lines in with their claims kept; answers the rows as tests.rows_of does. */
create or replace function tests.bring_in_broken(lines jsonb, options jsonb default '{}') returns text
language plpgsql set search_path = '' as $$
begin
  return tests.outcome_of('orders', lines, '{"broken_orders": "claim"}' || options);
end $$;

/* A line of a broken order: one cup at 25.00. */
create or replace function tests.broken_line(order_number text, customer text, more jsonb default '{}') returns jsonb
language sql stable set search_path = '' as $$
  select tests.old_line(order_number, 'OLD-CUP', unit_price => '25.00', customer => tests.get_supabase_uid(customer)::text) || more;
$$;

/* What an older system says of an order that the wallet paid without a transaction. */
create or replace function tests.wallet_line(order_number text, customer text, more jsonb default '{}') returns jsonb
language sql stable set search_path = '' as $$
  select tests.broken_line(order_number, customer, '{"payment_method": "wallet_partial", "wallet_amount": "25.00", "payment_status": "paid",
                                                     "customer_status": "pending", "management_status": "finance_pending"}' || more);
$$;

/* The same of one whose receipt nobody has looked at. */
create or replace function tests.receipt_line(order_number text, customer text, reference text, more jsonb default '{}') returns jsonb
language sql stable set search_path = '' as $$
  select tests.broken_line(order_number, customer, jsonb_build_object('payment_method', 'bank_transfer', 'payment_status', 'receipt_uploaded',
                           'receipt_reference', reference, 'customer_status', 'pending', 'management_status', 'finance_review') || more);
$$;

/* The same of one whose customer reads pending while it was sent out long ago. */
create or replace function tests.mismatched_line(order_number text, customer text, more jsonb default '{}') returns jsonb
language sql stable set search_path = '' as $$
  select tests.broken_line(order_number, customer, '{"payment_method": "bank_transfer", "payment_status": "paid",
                                                     "customer_status": "pending", "management_status": "logistics_dispatched"}' || more);
$$;

/* Eli, with 100.00 in the wallet, and an order of each kind: E-STATUS, E-WALLET, E-RECEIPT, E-MIXED; each over 25.00. */
create or replace function tests.open_old_orders() returns void
language plpgsql set search_path = '' as $$
begin
  perform tests.create_customer('eli', 10000), tests.create_variant('OLD-CUP', 10, 2500);
  perform tests.bring_in_broken(jsonb_build_array(
    tests.mismatched_line('E-STATUS', 'eli'), tests.wallet_line('E-WALLET', 'eli'), tests.receipt_line('E-RECEIPT', 'eli', 'E-REF'),
    tests.wallet_line('E-MIXED', 'eli', '{"management_status": "delivered"}')));
end $$;

/* An order by its number as "status payment_status stage due". */
create or replace function tests.order_line(number text) returns text
language sql stable set search_path = '' as $$
  select concat_ws(' ', m.status, m.payment_status, m.stage, m.amount_due) from public.order_management m where m.order_number = order_line.number;
$$;

/* What a fix answers of each order, as "number outcome code". */
create or replace function tests.fixed(orders jsonb) returns text
language sql stable set search_path = '' as $$
  select string_agg(concat_ws(' ', e.value ->> 'order_number', e.value ->> 'outcome', e.value ->> 'error_code'), ', ' order by e.value ->> 'order_number')
  from jsonb_array_elements(fixed.orders) e;
$$;

begin;
select plan(1);
select has_function('tests', 'open_old_orders', 'the helpers for orders of an older system are in place');
select * from finish();
rollback;
