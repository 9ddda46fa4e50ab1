-- Whoever refunds before the goods are back ends the order, not the way of the goods.
begin;
select plan(24);

select tests.create_variant('mug', price => 1000, stock => 40);
select tests.create_customer('alice', 40000);
select tests.create_staff('warehouse', 'warehouse');
create function tests.approved(name text, units integer) returns void language sql as $$
  select tests.place_named_order(name, 'alice', tests.lines('mug x ' || units));
  select tests.move_order(tests.order_id(name), 'processing', 'delivered');
  select tests.expect_success(r)
  from public.ledger_request_return(tests.order_id(name), jsonb_build_array(jsonb_build_object('line_number', 1, 'quantity', units)), name, p_user_id => tests.get_supabase_uid('alice')) r;
  select tests.expect_success(v) from public.returns r, public.ledger_review_return(r.id, 'approve') v where r.reason = name;
$$;
create function tests.return_of(name text) returns uuid language sql volatile security definer as $$
  select r.id from public.returns r where r.reason = name;
$$;
create function tests.refunds(name text, units integer, restock boolean default false) returns text language sql as $$
  select r.order_status
  from public.ledger_refund_order(tests.order_id(name), jsonb_build_array(jsonb_build_object('line_number', 1, 'quantity', units, 'restock', restock))) r;
$$;

-- the last unit is refunded while both are under way
select tests.approved('ahead', 2);
select is(tests.refunds('ahead', 2), 'refunded', 'with its last unit the order is refunded');
select is((select status from returns where reason = 'ahead'), 'approved', 'its return waits for the goods');
select is_empty('select * from ledger.book_differences()', 'which is as it should be');
select tests.authenticate_as('warehouse');
select results_eq(
  $$ select success, status, refund_id, returned_amount, order_status
     from ledger_review_return(tests.return_of('ahead'), 'receive', '[{"line_number": 1, "write_off": 1}]', p_refund => false) $$,
  $$ values (true, 'approved', null::uuid, 0::bigint, 'refunded') $$, 'one arrives broken');
select tests.act_as_owner();
select results_eq(
  $$ select success, status, refund_id, returned_amount, order_status from ledger_review_return(tests.return_of('ahead'), 'receive') $$,
  $$ values (true, 'received', null::uuid, 0::bigint, 'refunded') $$, 'the other whole; its money has gone back, whatever is said');
select is(tests.stock('mug'), 39::bigint, 'it is in stock');
select results_eq('select * from ledger.received_units(tests.order_id(''ahead''))', 'values (1, 2::bigint, 0::bigint)', 'both count as refunded');
select is(tests.orders_and_available('alice'), '0/40000', 'the money went back once');
select is(tests.outcome(null, $$ ledger_review_return(tests.return_of('ahead'), 'receive') $$), 'return_conflict', 'nothing else comes');

-- given up
select tests.approved('kept', 2);
select is(tests.refunds('kept', 2), 'refunded', 'refunded');
select is((select status from ledger_review_return(tests.return_of('kept'), 'close')), 'closed', 'a return that nobody sends can be closed');

-- only asked for
select tests.place_named_order('asked', 'alice', tests.lines('mug x 1'));
select tests.move_order(tests.order_id('asked'), 'processing', 'delivered');
select tests.expect_success(r) from ledger_request_return(tests.order_id('asked'), '[{"line_number": 1, "quantity": 1}]', 'asked', p_user_id => tests.get_supabase_uid('alice')) r;
select is(tests.refunds('asked', 1), 'refunded', 'refunded before anybody decided');
select is((select status from returns where reason = 'asked'), 'closed', 'what was only asked for is closed');

-- nothing of it is outside any more
select tests.approved('back', 2);
select is(tests.refunds('back', 2, true), 'refunded', 'refunded and in stock');
select is((select status from returns where reason = 'back'), 'closed', 'nothing of the return can come any more');

-- refunds and arrivals take turns
select tests.approved('turns', 3);
select is(tests.refunds('turns', 1), 'delivered', 'one is refunded ahead');
select results_eq(
  $$ select status, returned_amount, order_status from ledger_review_return(tests.return_of('turns'), 'receive', '[{"line_number": 1, "received": 2}]') $$,
  $$ values ('approved', 2000::bigint, 'refunded') $$, 'two arrive and end the order; the third may still come');
select is((select status from ledger_review_return(tests.return_of('turns'), 'receive')), 'received', 'and does');
select is(tests.stock('mug'), 36::bigint, 'all is back but a broken one, two that were kept and one that nobody asked for');

-- an ending that leaves the goods outside, and those that do not
select tests.approved('left', 2);
select tests.expect_success(c) from tests.change_status('left', 'refunded') c;
select is((select status from ledger_review_return(tests.return_of('left'), 'receive')), 'received', 'a status change to refunded waits for the goods as well');
select tests.approved('fetched', 2);
select tests.expect_success(c) from tests.change_status('fetched', 'refunded', '{"restock": true}') c;
select is((select status from returns where reason = 'fetched'), 'closed', 'not when they are said to be back');
select tests.approved('cancelled', 2);
select tests.expect_success(c) from tests.change_status('cancelled', 'cancelled') c;
select is((select status from returns where reason = 'cancelled'), 'closed', 'nor when the order is cancelled');
select is(tests.orders_and_available('alice'), '0/40000', 'all money is back');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
