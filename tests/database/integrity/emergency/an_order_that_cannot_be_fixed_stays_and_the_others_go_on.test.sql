begin;
select plan(17);
select tests.create_staff('ada', 'admin');
select tests.create_customer('eli', 4000), tests.create_customer('fay', 9000), tests.create_variant('OLD-CUP', 10, 2500);
select tests.bring_in_broken(jsonb_build_array(
  -- 40.00 are enough for one of two
  tests.wallet_line('A-1', 'eli'), tests.wallet_line('A-2', 'eli', '{"management_status": "delivered", "placed_at": "2020-03-02 10:00"}'), tests.receipt_line('A-3', 'eli', 'A-REF'),
  tests.wallet_line('B-1', 'fay'),
  -- the management had it delivered, and nobody says that it was paid
  tests.mismatched_line('C-1', 'fay', '{"payment_status": "unpaid"}'),
  tests.receipt_line('D-1', 'ada', 'D-REF')));
select tests.expect_success(f) from ledger_freeze_account(tests.get_supabase_uid('fay'), true, 'looked into') f;
create temp table before as select o.order_number, tests.order_line(o.order_number) as line, o.version from orders o;
select is_empty('select * from ledger.book_differences()', 'the books are in order before anything is fixed');

select tests.authenticate_as('ada');
create temp table done as select f.* from integrity_emergency_order_fix(p_dry_run => false) f;
reset role;
select is((select tests.fixed(orders) from done),
  'A-1 fixed, A-2 refused insufficient_funds, A-3 fixed, B-1 refused account_frozen, C-1 refused payment_required, D-1 refused own_receipt',
  'each order has its own answer');
select results_eq($$ select success, found_orders, fixed_orders, refused_orders, remaining_orders from done $$,
  $$ values (true, 6::bigint, 2::bigint, 4::bigint, 4::bigint) $$, 'and the call as a whole its counts');
select is((select e.value -> 'error_details' from done, jsonb_array_elements(orders) e where e.value ->> 'order_number' = 'A-2'),
  '{"available": 1500, "currency": "USD", "required": 2500}'::jsonb, 'a refusal says the numbers');
select is((select e.value ->> 'error_message' from done, jsonb_array_elements(orders) e where e.value ->> 'order_number' = 'A-2'),
  '25.00 USD is needed, 15.00 USD is available.', 'in a sentence');
select results_eq($$ select o.order_number, tests.order_line(o.order_number), o.version from orders o where o.order_number not in ('A-1', 'A-3') order by 1 $$,
  $$ select * from before where order_number not in ('A-1', 'A-3') order by 1 $$, 'what was refused stays as it was, its version included');
select is((select count(*)::int from transactions t join orders o on o.id = t.order_id and o.order_number = 'A-2'), 1, 'and has no transaction beside that of its placing');
select is((select count(*)::int from immutable_events e where e.event_type = 'integrity.order_fixed'), 2, 'nor an event');
select is((select count(*)::int from imported_order_claims c where c.settled_at is null and c.tried_at is not null), 4, 'but its claim says that it was tried');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

-- with what was missing, the rest comes out right
select tests.expect_success(c) from ledger_credit_account(tests.get_supabase_uid('eli'), 1000) c;
select tests.expect_success(f) from ledger_freeze_account(tests.get_supabase_uid('fay'), false) f;
select tests.expect_success(p) from ledger_record_payment((select o.id from orders o where o.order_number = 'C-1'), 2500) p;
select is((select tests.fixed(f.orders) from integrity_emergency_order_fix(p_order_numbers => '{A-2,B-1}', p_dry_run => false) f), 'A-2 fixed, B-1 fixed', 'named orders are fixed alone');
select is((select tests.fixed(f.orders) from integrity_emergency_order_fix(p_user_id => tests.get_supabase_uid('fay'), p_dry_run => false) f), 'C-1 fixed', 'a customer''s orders, too');
select is((select tests.fixed(f.orders) from integrity_emergency_order_fix(p_dry_run => false) f), 'D-1 fixed', 'a backend may approve what an admin may not approve of their own');
select is(tests.order_line('A-2'), 'delivered paid delivered 0', 'A-2 is paid and delivered');
select is((select available_balance from accounts where user_id = tests.get_supabase_uid('eli')), 0::bigint, 'out of a wallet that is empty by now');
select is((select count(*)::int from imported_order_claims c where c.settled_at is null), 0, 'nothing is left');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
