-- Parcels and returns for the tests of all tables. Needs the shop of 000-shop.sql and stays, like it.

/*
 * Ann's order in processing, of which one mug of three is under way; her delivered tea, which she asks to
 * return; carol's delivered mugs, of which two are approved to come back and one has, without its money.
 */
create or replace function tests.open_returns() returns void
language plpgsql set search_path = '' as $$
declare
  v_ann uuid := tests.get_supabase_uid('ann');
  v_carol uuid := tests.get_supabase_uid('carol');
  v_order_id uuid := tests.place_order('ann', 'MUG', 3);
  v_return_id uuid;
begin
  perform tests.move_order(v_order_id, 'processing');
  perform tests.expect_success(s)
  from public.ledger_ship_order(v_order_id, '[{"line_number": 1, "quantity": 1}]', 'Post', 'RR1') s;

  perform tests.expect_success(r)
  from public.orders o, public.ledger_request_return(o.id, '[{"line_number": 1, "quantity": 1}]', 'stale', p_user_id => v_ann) r
  where o.user_id = v_ann and o.status = 'delivered';

  v_return_id := (tests.expect_success(r)).return_id
  from public.orders o, public.ledger_request_return(o.id, '[{"line_number": 1, "quantity": 2}]', 'chipped', p_user_id => v_carol) r
  where o.user_id = v_carol;
  perform tests.expect_success(r) from public.ledger_review_return(v_return_id, 'approve') r;
  perform tests.expect_success(r)
  from public.ledger_review_return(v_return_id, 'receive', '[{"line_number": 1, "received": 1}]', p_refund => false) r;
end $$;

begin;
select plan(1);
select has_function('tests', 'open_returns', 'the helpers for parcels and returns are in place');
select * from finish();
rollback;
