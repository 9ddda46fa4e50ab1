-- A shop whose stock is in every state that it can be in. Needs the shop of 000-shop.sql.

/*
 * HOT lies in two slots, and ann's reservation holds two of its eight units; SOFA may be backordered, and
 * ann's order of three of it, in processing, waits for two.
 */
create or replace function tests.open_warehouse() returns void
language plpgsql set search_path = '' as $$
begin
  perform tests.create_variant('HOT', 8, 100), tests.create_variant('SOFA', 1, 900);
  update public.variants set backorder_allowed = true where sku = 'SOFA';
  perform tests.expect_success(s) from public.ledger_spread_stock(tests.get_variant_id('HOT'), 2) s;
  perform tests.move_order(tests.place_order('ann', 'SOFA', 3), 'processing');
  perform tests.expect_success(r) from public.order_reserve(tests.items('HOT', 2), p_user_id => tests.get_supabase_uid('ann')) r;
end $$;

begin;
select plan(1);
select has_function('tests', 'open_warehouse', 'the helper for stock is in place');
select * from finish();
rollback;
