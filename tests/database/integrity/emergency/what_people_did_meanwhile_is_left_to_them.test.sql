-- The plan is made anew under the locks: what changed since the import, or since a dry run, counts.
begin;
select plan(10);
select tests.create_staff('ada', 'admin');
select tests.create_customer('eli', 10000), tests.create_variant('OLD-CUP', 10, 2500);
select tests.bring_in_broken(jsonb_build_array(
  tests.wallet_line('CANCELLED', 'eli'), tests.wallet_line('PAID', 'eli'), tests.wallet_line('HALF', 'eli'), tests.receipt_line('REJECTED', 'eli', 'R-1'),
  tests.receipt_line('APPROVED', 'eli', 'R-2'), tests.wallet_line('MOVED', 'eli', '{"management_status": "delivered"}')));
create temp table plan as select f.orders from integrity_emergency_order_fix() f;
select is((select tests.fixed(orders) from plan),
  'APPROVED planned, CANCELLED planned, HALF planned, MOVED planned, PAID planned, REJECTED planned', 'all of them were planned');

create function pg_temp.id(p_number text) returns uuid language sql as $$ select o.id from public.orders o where o.order_number = p_number $$;
select tests.move_order(pg_temp.id('CANCELLED'), 'cancelled');
select tests.expect_success(p) from ledger_pay_order_from_wallet(pg_temp.id('PAID'), p_user_id => tests.get_supabase_uid('eli')) p;
select tests.expect_success(p) from ledger_pay_order_from_wallet(pg_temp.id('HALF'), 1000, p_user_id => tests.get_supabase_uid('eli')) p;
select tests.expect_success(r) from payment_receipts p, ledger_review_receipt(p.id, 'reject', p_notes => 'no such transfer') r where p.reference = 'R-1';
select tests.expect_success(r) from payment_receipts p, ledger_review_receipt(p.id, 'approve') r where p.reference = 'R-2';
select tests.expect_success(p) from ledger_record_payment(pg_temp.id('MOVED'), 2500) p;
select tests.move_order(pg_temp.id('MOVED'), 'processing');
create temp table before as select available_balance from accounts where user_id = tests.get_supabase_uid('eli');

create temp table done as select f.* from integrity_emergency_order_fix(p_dry_run => false) f;
select is((select tests.fixed(orders) from done),
  'APPROVED nothing_to_do, CANCELLED nothing_to_do, HALF fixed, MOVED fixed, PAID nothing_to_do, REJECTED nothing_to_do', 'what is left of each is done');
select is((select e.value -> 'steps' -> 0 ->> 'amount' from done, jsonb_array_elements(orders) e where e.value ->> 'order_number' = 'HALF'), '1500',
  'the wallet pays what it has not paid since');
select is((select jsonb_path_query_array(e.value, '$.steps[*].to') from done, jsonb_array_elements(orders) e where e.value ->> 'order_number' = 'MOVED'),
  '["shipped", "delivered"]'::jsonb, 'an order goes on from where it is by now');
select is((select b.available_balance - a.available_balance from before b, accounts a where a.user_id = tests.get_supabase_uid('eli')), 1500::bigint, 'nothing is paid twice');
select results_eq($$ select o.order_number, tests.order_line(o.order_number) from orders o order by 1 $$,
  $$ values ('APPROVED', 'confirmed paid warehouse_ready 0'), ('CANCELLED', 'cancelled unpaid cancelled 0'), ('HALF', 'confirmed paid warehouse_ready 0'),
            ('MOVED', 'delivered paid delivered 0'), ('PAID', 'pending paid awaiting_confirmation 0'), ('REJECTED', 'pending unpaid finance_pending 2500') $$,
  'what finance has rejected is not approved, and what was cancelled stays so');
select is((select remaining_orders from done), 0::bigint, 'no claim is left');
select is((select count(*)::int from immutable_events e where e.event_type = 'integrity.order_fixed' and e.payload -> 'steps' = '[]'), 4, 'each says so, also where nothing was done');
select is((select tests.fixed(f.orders) from integrity_emergency_order_fix(p_order_numbers => '{PAID,HALF}', p_dry_run => false) f),
  'HALF nothing_to_do, PAID nothing_to_do', 'who names them again is told that there is nothing to do');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
