-- Money from outside for the tests. Needs the shop of 000-shop.sql and, like it, stays when the file is done.

/*
 * Adds to tests.open_shop what needs payments: ann's order of one TEA (4.28 with tax), in processing,
 * paid by a transfer T-1 of 4.00 and 1.00 in cash, of which 0.72 are wallet credit; another 0.50 in cash
 * were voided. On account, for nothing in particular, she paid 5.00 by a transfer T-2.
 */
create or replace function tests.open_till() returns void
language plpgsql set search_path = '' as $$
declare
  v_order_id uuid;
  v_payment_id uuid;
begin
  v_order_id := (tests.expect_success(o)).order_id
  from public.ledger_place_order(tests.items('TEA'), 'bank_transfer', p_user_id => tests.get_supabase_uid('ann')) o;
  v_payment_id := (tests.expect_success(p)).payment_id from public.ledger_record_payment(v_order_id, 50, 'cash') p;
  perform tests.expect_success(v) from public.ledger_void_payment(v_payment_id, 'counted twice') v;
  perform tests.expect_success(p) from public.ledger_record_payment(v_order_id, 400, 'bank_transfer', 'T-1') p;
  perform tests.expect_success(p) from public.ledger_record_payment(v_order_id, 100, 'cash') p;
  perform tests.move_order(v_order_id, 'processing');
  perform tests.expect_success(p)
  from public.ledger_record_payment(p_amount => 500, p_reference => 'T-2', p_user_id => tests.get_supabase_uid('ann')) p;
end $$;

begin;
select plan(1);
select has_function('tests', 'open_till', 'the helper for payments is in place');
select * from finish();
rollback;
