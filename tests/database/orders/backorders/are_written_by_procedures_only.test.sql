begin;
select plan(5);
select tests.create_customer('ann', 100000), tests.create_variant('rug', 1, 100);
update public.variants set backorder_allowed = true where sku = 'rug';
select tests.place_order('ann', 'rug', 3);
select matches(tests.error_as('postgres', 'update public.backorders set filled_quantity = quantity'), '^42501', 'a backorder cannot be filled by hand');
select matches(tests.error_as('postgres', 'delete from public.backorders'), '^42501', 'or taken away');
select matches(tests.error_as('postgres', format('insert into public.backorders (order_id, variant_id, account_id, quantity) select order_id, %L, account_id, 1 from public.backorders', gen_random_uuid())),
  '^42501', 'or made');
-- what is no longer allowed for new orders goes on for those that wait
update public.variants set backorder_allowed = false where sku = 'rug';
select tests.expect_success(s) from public.ledger_adjust_stock(tests.get_variant_id('rug'), 5) s;
select results_eq('select b.open_quantity, tests.stock(''rug'') from public.backorders b', $$ values (0::bigint, 3::bigint) $$, 'switched off, those that wait are still filled');
select is(tests.outcome('ann', $$ public.ledger_place_order(tests.items('rug', 4)) $$), 'insufficient_stock', 'and a new order is short');
select * from finish();
rollback;
