-- Refunds for the tests of all tables. Needs the shop of 000-shop.sql and stays, like it.

/*
 * Rita, whom carol referred, with 20.00 in the wallet and two orders of TEA. Of the delivered one (three, of
 * which the wallet paid 10.00 and a transfer the rest) one is refunded and back in stock, all to the wallet;
 * then 7.00 as a free amount, a part of it to be paid out. The cancelled one was paid by a transfer, which
 * is to be paid out too.
 */
create or replace function tests.open_refunds() returns void
language plpgsql set search_path = '' as $$
declare
  v_rita uuid := tests.create_customer('rita', 2000);
  v_order_id uuid;
begin
  perform tests.expect_success(r)
  from public.ledger_register_referral(
    (select p.referral_code from public.profiles p where p.id = tests.get_supabase_uid('carol')), p_user_id => v_rita) r;
  v_order_id := (tests.expect_success(o)).order_id
  from public.ledger_place_order(tests.items('TEA', 3), 'wallet_partial', 1000, p_user_id => v_rita) o;
  perform tests.expect_success(p) from public.ledger_record_payment(v_order_id, 284, 'bank_transfer', 'R-1') p;
  perform tests.move_order(v_order_id, 'processing', 'delivered');
  perform tests.expect_success(r)
  from public.ledger_refund_order(v_order_id, '[{"line_number": 1, "quantity": 1, "restock": true}]') r;
  perform tests.expect_success(r) from public.ledger_refund_order(v_order_id, p_amount => 700, p_to => 'original', p_reason => 'stale') r;

  v_order_id := (tests.expect_success(o)).order_id
  from public.ledger_place_order(tests.items('TEA', 1), 'bank_transfer', p_user_id => v_rita) o;
  perform tests.expect_success(p) from public.ledger_record_payment(v_order_id, 428, 'bank_transfer', 'R-2') p;
  perform tests.expect_success(c) from public.ledger_cancel_order(v_order_id, p_user_id => v_rita, p_to => 'original') c;
end $$;

begin;
select plan(1);
select has_function('tests', 'open_refunds', 'the helper for refunds is in place');
select * from finish();
rollback;
