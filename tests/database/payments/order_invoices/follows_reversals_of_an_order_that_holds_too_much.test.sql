-- A payout that was withdrawn leaves an order with more than it costs, and its invoice with nothing to claim. A payment that is
-- taken off the invoice then leaves owed what the order owes, and not all that it paid.
begin;
select plan(8);
select tests.offer('bank_transfer_grace');
select tests.create_customer('alice');
select tests.create_variant('mug', price => 1000);
select tests.place_named_order('order', 'alice', tests.lines('mug x 3'), 'bank_transfer_grace');
select tests.invoice_order('order');
create temp table paid as
  select (tests.expect_success(p)).payment_id as id from public.ledger_record_payment(p_user_id => tests.get_supabase_uid('alice'), p_amount => 3000) p;
create temp table allocated as
  select (a.allocations -> 0 ->> 'allocation_id')::uuid as id
  from paid, public.ledger_allocate_payment(paid.id, jsonb_build_array(jsonb_build_object('invoice_id', tests.invoice_id('order'), 'amount', 3000))) a;
select tests.move_order(tests.order_id('order'), 'processing', 'delivered');
select tests.expect_success(r) from public.ledger_refund_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 1}]', p_to => 'original') r;
select tests.expect_success(s) from public.refunds f, public.ledger_settle_refund(f.id, 'withdrawn') s;
select is(tests.claim('order'), '3000/3000/0 paid', 'one of three came back, and its money is with the order again');

savepoint before;
select is((select r.success from allocated, public.ledger_reverse_allocation(allocated.id, 'meant for another') r), true, 'the allocation is reversed');
select is(tests.claim('order'), '2000/0/2000 unpaid', 'what is claimed is what the order owes');
select is(tests.debt('alice'), '2000/3000', 'and what is owed');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
rollback to before;
select is((select v.success from paid, public.ledger_void_payment(paid.id, 'it bounced') v), true, 'or the payment is void');
select is(tests.claim('order'), '2000/0/2000 unpaid', 'with the same end');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
