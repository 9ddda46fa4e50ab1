-- A wallet part is booked once: rows that disagree about what the older system has of it are for a person.
begin;
select plan(8);
select tests.create_customer('eli', 100000), tests.create_variant('OLD-CUP', 10, 2500), tests.create_variant('OLD-POT', 10, 2500);

/* Two rows of one order, a cup and a pot, the second with other fields. */
create function pg_temp.two_rows(p_number text, p_first jsonb, p_second jsonb) returns text language sql as $$
  select tests.bring_in_broken(jsonb_build_array(
    tests.broken_line(p_number, 'eli', p_first), tests.broken_line(p_number, 'eli', '{"sku": "OLD-POT"}' || p_first || p_second)))
$$;
create function pg_temp.rejected(p_field text) returns text language sql as $$
  select format('1 rejected row_disagrees_with_order %s, 2 rejected row_of_rejected_order order_number', p_field)
$$;

select is(pg_temp.two_rows('W-1', '{"payment_method": "wallet", "wallet_transaction": "T-77", "customer_status": "pending", "management_status": "delivered"}', '{"wallet_transaction": ""}'),
  pg_temp.rejected('wallet_transaction'), 'a transaction that only the first row names');
select is(pg_temp.two_rows('W-2', '{"payment_method": "wallet", "wallet_transaction": "T-77", "customer_status": "pending", "management_status": "pending"}', '{"wallet_transaction": "T-78"}'),
  pg_temp.rejected('wallet_transaction'), 'two transactions of one order');
select is(pg_temp.two_rows('W-3', '{"payment_method": "wallet", "wallet_amount": "50.00", "customer_status": "pending", "management_status": "pending"}', '{"wallet_amount": ""}'),
  pg_temp.rejected('wallet_amount'), 'a wallet part that only the first row names');
select is(pg_temp.two_rows('R-1', '{"payment_method": "bank_transfer", "payment_status": "receipt_uploaded", "receipt_reference": "REF-1", "customer_status": "pending", "management_status": "pending"}', '{"payment_status": ""}'),
  pg_temp.rejected('receipt_reference'), 'a receipt that only the first row is paid by');
select is(pg_temp.two_rows('S-1', '{"status": "pending", "customer_status": "pending", "management_status": "delivered"}', '{"customer_status": ""}'),
  pg_temp.rejected('customer_status'), 'a customer''s status that only the first row has');
select is((select count(*)::int from orders), 0, 'none of them comes in');
select tests.bring_in_broken(jsonb_build_array(tests.wallet_line('W-4', 'eli')));
select throws_ok($$ select tests.tamper('update public.imported_order_claims set wallet_transaction = ''T-77''') $$, '23514', null, 'nor could a part be proven and claimed at once');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
