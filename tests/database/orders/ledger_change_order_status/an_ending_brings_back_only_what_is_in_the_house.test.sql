-- What never left comes back, and what is under way; not what arrived, nor what was settled by a refund or a return.
begin;
select plan(17);

select tests.create_variant('mug', price => 1000, stock => 100);
select tests.create_variant('sofa', price => 1000, stock => 2);
select tests.create_customer('alice', 200000);
update variants set backorder_allowed = true where sku = 'sofa';

/* Ten mugs in processing, two parcels of two under way. */
create function tests.under_way(name text) returns void language sql as $$
  select tests.place_named_order(name, 'alice', tests.lines('mug x 10'));
  select tests.move_order(tests.order_id(name), 'processing');
  select tests.expect_success(s) from public.ledger_ship_order(tests.order_id(name), '[{"line_number": 1, "quantity": 2}]') s;
  select tests.expect_success(s) from public.ledger_ship_order(tests.order_id(name), '[{"line_number": 1, "quantity": 2}]') s;
$$;
create function tests.arrives(name text, parcel integer) returns void language sql as $$
  select tests.expect_success(d)
  from public.shipments s, public.ledger_confirm_delivery(s.id) d
  where s.order_id = tests.order_id(name) and s.shipment_number = parcel;
$$;
create function tests.refunds(name text, units integer, restock boolean) returns void language sql as $$
  select tests.expect_success(r)
  from public.ledger_refund_order(tests.order_id(name), jsonb_build_array(jsonb_build_object('line_number', 1, 'quantity', units, 'restock', restock))) r;
$$;
/* How many units the ending brings back. */
create function tests.units_back(name text, status text, metadata jsonb default '{}', sku text default 'mug') returns bigint language plpgsql as $$
declare
  v_before bigint := tests.stock(sku);
begin
  perform tests.expect_success(c) from tests.change_status(name, status, metadata) c;
  return tests.stock(sku) - v_before;
end $$;

select tests.under_way('all');
select is(tests.units_back('all', 'cancelled'), 10::bigint, 'what is under way turns round');
select tests.under_way('none');
select is(tests.units_back('none', 'cancelled', '{"restock": false}'), 0::bigint, 'nothing when nothing is to come back');

select tests.under_way('arrived');
select tests.arrives('arrived', 1);
select is(tests.units_back('arrived', 'cancelled'), 8::bigint, 'a parcel that has arrived stays with the customer');
select tests.under_way('fetched');
select tests.arrives('fetched', 1);
select is(tests.units_back('fetched', 'cancelled', '{"restock": true}'), 10::bigint, 'unless everything is to come back');

select tests.under_way('lost');
select tests.refunds('lost', 2, false);
select is(tests.units_back('lost', 'cancelled'), 8::bigint, 'what was refunded as lost does not turn up again');
select tests.under_way('lost for good');
select tests.refunds('lost for good', 2, false);
select is(tests.units_back('lost for good', 'cancelled', '{"restock": true}'), 8::bigint, 'not even when everything is to come back');
select tests.under_way('back before');
select tests.refunds('back before', 2, true);
select is(tests.units_back('back before', 'cancelled'), 8::bigint, 'what a refund put in stock does not come twice');
select tests.under_way('lost of two');
select tests.arrives('lost of two', 1);
select tests.refunds('lost of two', 2, false);
select is(tests.units_back('lost of two', 'cancelled'), 6::bigint, 'of an arrived and a lost parcel none comes back');
select tests.under_way('returned');
select tests.arrives('returned', 1);
select tests.expect_success(r) from ledger_request_return(tests.order_id('returned'), '[{"line_number": 1, "quantity": 2}]', p_user_id => tests.get_supabase_uid('alice')) r;
select tests.expect_success(v) from returns r, ledger_review_return(r.id, 'approve') v where r.order_id = tests.order_id('returned');
select tests.expect_success(v) from returns r, ledger_review_return(r.id, 'receive', '[{"line_number": 1, "restock": 1, "write_off": 1}]') v where r.order_id = tests.order_id('returned');
select is(tests.units_back('returned', 'cancelled'), 8::bigint, 'nor what a return brought, or wrote off');

select tests.place_named_order('delivered', 'alice', tests.lines('mug x 5'));
select tests.move_order(tests.order_id('delivered'), 'processing', 'delivered');
select is(tests.units_back('delivered', 'refunded'), 0::bigint, 'of a delivered order nothing');
select tests.place_named_order('delivered too', 'alice', tests.lines('mug x 5'));
select tests.move_order(tests.order_id('delivered too'), 'processing', 'delivered');
select tests.refunds('delivered too', 1, false);
select is(tests.units_back('delivered too', 'refunded', '{"restock": true}'), 4::bigint, 'but what is fetched and was not refunded before');

-- three sofas, two of them there and at the customer's
select tests.place_named_order('sofas', 'alice', tests.lines('sofa x 3'));
select tests.move_order(tests.order_id('sofas'), 'processing');
select tests.expect_success(s) from ledger_ship_order(tests.order_id('sofas'), '[{"line_number": 1, "quantity": 2}]') s;
select tests.arrives('sofas', 1);
select is(tests.units_back('sofas', 'cancelled', sku => 'sofa'), 0::bigint, 'a backorder never left and is given up');
select tests.place_named_order('two lines', 'alice', tests.lines('sofa x 2', 'mug x 1'));
select tests.place_named_order('waits', 'alice', tests.lines('sofa x 2'));
select tests.expect_success(a) from ledger_adjust_stock(tests.get_variant_id('sofa'), 3) a;
select tests.move_order(tests.order_id('waits'), 'processing');
select is(tests.units_back('waits', 'cancelled', sku => 'sofa'), 1::bigint, 'of two units one had come in and does');
select tests.move_order(tests.order_id('two lines'), 'processing');
select tests.expect_success(s) from ledger_ship_order(tests.order_id('two lines'), '[{"line_number": 2, "quantity": 1}]') s;
select tests.arrives('two lines', 1);
select is(tests.units_back('two lines', 'cancelled', sku => 'sofa'), 2::bigint, 'line by line');
select is(tests.stock('mug'), (select s.on_hand from stock_levels s where s.variant_id = tests.get_variant_id('mug')), 'mugs are where they are said to be');
select is(
  (select sum(l.unshipped_quantity) from refund_lines l where l.order_id = tests.order_id('two lines')), 2::numeric, 'what never left is told apart');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
