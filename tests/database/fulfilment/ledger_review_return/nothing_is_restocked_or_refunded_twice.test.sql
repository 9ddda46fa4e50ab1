begin;
select plan(31);

select tests.create_variant('mug', price => 1000, stock => 40);
select tests.create_customer('alice', 40000);
select tests.create_staff('warehouse', 'warehouse');
create function tests.delivered(name text, units integer) returns void language sql as $$
  select tests.place_named_order(name, 'alice', tests.lines('mug x ' || units));
  select tests.move_order(tests.order_id(name), 'processing', 'delivered');
$$;
/* A return of these units, approved; answers its id. */
create function tests.approved(name text, units integer) returns uuid language plpgsql as $$
declare
  v_id uuid;
begin
  v_id := (tests.expect_success(r)).return_id
    from public.ledger_request_return(tests.order_id(name), jsonb_build_array(jsonb_build_object('line_number', 1, 'quantity', units)), name, p_user_id => tests.get_supabase_uid('alice')) r;
  perform tests.expect_success(r) from public.ledger_review_return(v_id, 'approve') r;
  return v_id;
end $$;
create function tests.return_of(name text) returns uuid language sql volatile security definer as $$
  select r.id from public.returns r where r.reason = name order by r.id desc limit 1;
$$;
create function tests.one(quantity integer, restock boolean default true) returns jsonb language sql as $$
  select jsonb_build_array(jsonb_build_object('line_number', 1, 'quantity', quantity, 'restock', restock));
$$;

-- the warehouse receives, finance refunds later
select tests.delivered('later', 3);
select tests.approved('later', 2);
select tests.authenticate_as('warehouse');
select results_eq(
  $$ select success, transaction_id, status, refund_id, returned_amount, order_status
     from ledger_review_return(tests.return_of('later'), 'receive', '[{"line_number": 1, "received": 2, "restock": 1, "write_off": 1}]', p_refund => false) $$,
  $$ values (true, null::uuid, 'received', null::uuid, 0::bigint, 'delivered') $$, 'two arrive without their money');
select tests.act_as_owner();
select is(tests.stock('mug'), 38::bigint, 'one of them is in stock');
select is(tests.orders_and_available('alice'), '3000/37000', 'the money stays');
select results_eq('select * from ledger.received_units(tests.order_id(''later''))', 'values (1, 2::bigint, 2::bigint)', 'two came back, neither is refunded');
select is(tests.outcome('alice', $$ ledger_request_return(tests.order_id('later'), '[{"line_number": 1, "quantity": 2}]') $$), 'units_not_returnable', 'they do not come back a second time');
select is((select returned_amount from ledger_refund_order(tests.order_id('later'), tests.one(1)) r, lateral (select r.wallet_amount + r.credit_amount) a (returned_amount)), 1000::bigint, 'one is refunded, with "restock"');
select is(tests.stock('mug'), 38::bigint, 'it was back already: nothing moves');
select results_eq('select * from ledger.received_units(tests.order_id(''later''))', 'values (1, 2::bigint, 1::bigint)', 'one is left to refund');
select tests.expect_success(r) from ledger_refund_order(tests.order_id('later'), tests.one(2)) r;
select is(tests.stock('mug'), 39::bigint, 'of the next two one was back, the other goes into stock now');
select is((select status from tests.order_named('later')), 'refunded', 'and the order is refunded');
select is(tests.orders_and_available('alice'), '0/40000', 'all money is back');

-- refunded while it is under way
select tests.delivered('ahead', 2);
select tests.approved('ahead', 2);
select tests.expect_success(r) from ledger_refund_order(tests.order_id('ahead'), tests.one(1, false)) r;
select is(tests.outcome(null, $$ ledger_review_return(tests.return_of('ahead'), 'receive') $$), 'units_not_refundable', 'a unit that was refunded on its way is not refunded on its arrival');
select results_eq(
  $$ select status, returned_amount from ledger_review_return(tests.return_of('ahead'), 'receive', p_refund => false) $$,
  $$ values ('received', 0::bigint) $$, 'both arrive without money');
select is(tests.stock('mug'), 39::bigint, 'and are in stock');
select results_eq('select * from ledger.received_units(tests.order_id(''ahead''))', 'values (1, 2::bigint, 1::bigint)', 'one of the two is refunded already');
select tests.expect_success(r) from ledger_refund_order(tests.order_id('ahead'), tests.one(1)) r;
select is(tests.stock('mug'), 39::bigint, 'the refund of the other one moves no stock');
select is(tests.orders_and_available('alice'), '0/40000', 'all money is back');

-- restocked by a refund while it is under way
select tests.delivered('back', 2);
select tests.approved('back', 2);
select tests.expect_success(r) from ledger_refund_order(tests.order_id('back'), tests.one(1)) r;
select is(tests.stock('mug'), 38::bigint, 'a refund says that one is back');
select results_eq(
  $$ select error_code, error_details ->> 'returnable' from ledger_review_return(tests.return_of('back'), 'receive', '[{"line_number": 1, "received": 2}]', p_refund => false) $$,
  $$ values ('units_not_returnable', '1') $$, 'so only the other one can arrive');
select results_eq(
  $$ select status, returned_amount, order_status from ledger_review_return(tests.return_of('back'), 'receive', '[{"line_number": 1, "received": 1}]') $$,
  $$ values ('closed', 1000::bigint, 'refunded') $$, 'it does, and the rest is given up, for the order has ended');
select is(tests.stock('mug'), 39::bigint, 'two units went out and two are back');

-- an order that ends under a return
select tests.delivered('ended', 3);
select tests.approved('ended', 2);
select tests.expect_success(r) from ledger_review_return(tests.return_of('ended'), 'receive', '[{"line_number": 1, "restock": 1}]', p_refund => false) r;
select is(tests.stock('mug'), 37::bigint, 'one of three is back');
select tests.expect_success(c) from tests.change_status('ended', 'refunded', '{"restock": true}') c;
select is(tests.stock('mug'), 39::bigint, 'the ending brings back the other two, not the first again');
select is((select status from returns r where r.reason = 'ended'), 'closed', 'its return is closed');
select is((select count(*) from tests.messages('order.return_closed', '{"status": "closed"}')), 1::bigint, 'and said to be');
select is(tests.orders_and_available('alice'), '0/40000', 'all money is back');

-- given up
select tests.delivered('closed', 2);
select tests.approved('closed', 2);
select is((select status from ledger_review_return(tests.return_of('closed'), 'receive', '[{"line_number": 1, "received": 1}]')), 'approved', 'one arrives');
select is((select status from ledger_review_return(tests.return_of('closed'), 'close')), 'closed', 'the other does not');
select is(tests.outcome('alice', $$ ledger_request_return(tests.order_id('closed'), '[{"line_number": 1, "quantity": 1}]') $$), 'success', 'it can be asked for again');
select is(array[tests.stock('mug')], array[38]::bigint[], 'one mug is out');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
