-- Who is rejected needs no goods, and who asks for more queues anew.
begin;
select plan(9);
select tests.create_customer('ann', 100000), tests.create_customer('bob', 100000), tests.create_customer('carol', 100000);
select tests.create_variant('rug', 0, 100), tests.create_variant('lamp', 20, 100);
update public.variants set backorder_allowed = true;
create function pg_temp.filled(name text) returns bigint language sql as $$
  select b.filled_quantity from public.backorders b where b.order_id = tests.order_id(filled.name);
$$;

select tests.place_named_order('rejected', 'ann', tests.items('rug', 2)), tests.place_named_order('one', 'bob', tests.items('rug', 1)),
       tests.place_named_order('ten', 'carol', tests.items('rug', 10));
select tests.expect_success(c) from tests.change_status('rejected', 'rejected') c;
select tests.expect_success(e) from public.ledger_edit_order(tests.order_id('one'), '[{"line_number": 1, "quantity": 5}]') e;
select tests.expect_success(s) from public.ledger_adjust_stock(tests.get_variant_id('rug'), 10) s;
select is(pg_temp.filled('rejected'), 0::bigint, 'a rejected order gets nothing of what comes in');
select is(pg_temp.filled('ten'), 10::bigint, 'who has waited gets it');
select is(pg_temp.filled('one'), 0::bigint, 'before an order that an edit has raised since');
select tests.expect_success(s) from public.ledger_adjust_stock(tests.get_variant_id('rug'), 6) s;
select is(pg_temp.filled('one'), 5::bigint, 'which comes next');
select is(tests.stock('rug'), 1::bigint, 'and the rest lies in stock, though the rejected order never had its two');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select tests.expect_success(c) from tests.change_status('rejected', 'cancelled') c;
select is(tests.stock('rug'), 1::bigint, 'its cancellation brings back nothing that had not left');

-- what a reservation frees goes to who waits, and is told when it was the last
select tests.expect_success(r) from public.order_reserve(tests.items('lamp', 20), p_user_id => tests.get_supabase_uid('ann')) r;
select tests.place_named_order('lamps', 'bob', tests.items('lamp', 18));
select tests.expect_success(r) from public.stock_reservations s, public.order_release_reservation(s.id, p_user_id => s.user_id) r;
select is((select jsonb_agg(m -> 'on_hand') from tests.messages('stock.low', '{"sku": "lamp"}') m), '[2]', 'the freed units that fill a backorder bring the stock to its threshold');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
