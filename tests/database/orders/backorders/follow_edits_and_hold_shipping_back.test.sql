-- Units that an order waits for have not left the stock: they cannot ship, and an edit gives them up first.
begin;
select plan(18);
select tests.create_customer('ann', 100000), tests.create_customer('bob', 100000), tests.create_staff('admin', 'admin');
select tests.create_variant('rug', 3, 100), tests.create_variant('hot', 8, 100);
update public.variants set backorder_allowed = true where sku = 'rug';
select tests.expect_success(s) from public.ledger_spread_stock(tests.get_variant_id('hot'), 4) s;
create function pg_temp.waiting() returns text language sql as $$
  select coalesce(string_agg(format('%s: %s of %s', o.notes, b.open_quantity, b.quantity), ', ' order by b.created_at), 'none') || ', stock ' || tests.stock('rug')
  from public.backorders b join public.orders o on o.id = b.order_id where b.open_quantity > 0;
$$;
create function pg_temp.edit(name text, changes jsonb) returns text language sql as $$
  select coalesce(e.error_code, e.total_amount::text) from public.ledger_edit_order(tests.order_id(edit.name), edit.changes, p_actor_id => tests.get_supabase_uid('admin')) e;
$$;

select tests.place_named_order('first', 'ann', tests.lines('rug x 5', 'hot x 2')), tests.place_named_order('second', 'bob', tests.lines('rug x 2'));
select is(pg_temp.waiting(), 'first: 2 of 2, second: 2 of 2, stock 0', 'two orders wait');

-- more
select is(pg_temp.edit('first', '[{"line_number": 1, "quantity": 6}]'), '800', 'an edit may ask for one more');
select is(pg_temp.waiting(), 'second: 2 of 2, first: 3 of 3, stock 0', 'for which it queues anew');
-- less
select is(pg_temp.edit('first', '[{"line_number": 1, "quantity": 4}]'), '600', 'one may ask for two less');
select is(pg_temp.waiting(), 'second: 2 of 2, first: 1 of 1, stock 0', 'and gives up units that it waited for');
select is(pg_temp.edit('first', '[{"line_number": 1, "quantity": 2}]'), '400', 'for two less once more');
select is(pg_temp.waiting(), 'second: 1 of 2, stock 0', 'one of them had been there, and goes to the order that waits');
select results_eq($$ select b.quantity, b.dropped_quantity from public.backorders b where b.order_id = tests.order_id('first') $$, $$ values (0::bigint, 0::bigint) $$,
  'the edited order never waited for what it no longer has');
-- several slots
select is(pg_temp.edit('first', '[{"line_number": 2, "quantity": 8}]'), '1000', 'a line may grow over all slots');
select is(tests.stock('hot'), 0::bigint, 'until nothing is left');
select is(pg_temp.edit('first', '[{"line_number": 2, "quantity": 9}]'), 'insufficient_stock', 'and no further');
select is(pg_temp.edit('first', '[{"line_number": 2, "quantity": 3}]'), '500', 'what it gives back');
select results_eq($$ select s.on_hand from public.stock_levels s where s.variant_id = tests.get_variant_id('hot') and s.slot = 0 $$, $$ values (5::bigint) $$, 'comes in at slot 0');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

-- shipping
select tests.expect_success(c) from tests.change_status('second', 'processing') c;
select is((select c.error_code from tests.change_status('second', 'shipped') c), 'units_not_shippable', 'an order that waits cannot be shipped whole');
select tests.expect_success(s) from public.ledger_adjust_stock(tests.get_variant_id('rug'), 1) s;
select is(pg_temp.waiting(), 'none, stock 0', 'what it waited for comes in');
select is((select c.order_status from tests.change_status('second', 'shipped') c), 'shipped', 'and it ships');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
