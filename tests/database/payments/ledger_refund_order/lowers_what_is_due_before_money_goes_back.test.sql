-- Common rule of refunds: what the customer has not paid is owed no more; only what they paid beyond that goes back.
begin;
select plan(17);

select tests.create_variant('mug', price => 1000, stock => 20);
select tests.create_customer('alice', 2500);
update order_status_transitions set needs_payment = false;

create function pg_temp.refunded(p_name text, p_units integer, p_amount bigint default 0, p_to text default 'wallet') returns text language sql as $$
  select concat_ws(' ', r.error_code, r.credited_amount, r.wallet_amount, r.credit_amount, r.payout_amount, r.outstanding_amount, r.payment_status)
  from ledger_refund_order(tests.order_id(p_name), case when p_units > 0 then jsonb_build_array(jsonb_build_object('line_number', 1, 'quantity', p_units)) end,
                           p_amount => p_amount, p_to => p_to) r;
$$;

-- 5000, of which the wallet paid 2500
select tests.place_named_order('part', 'alice', tests.lines('mug x 5'), 'wallet_partial');
select tests.move_order(tests.order_id('part'), 'processing', 'delivered');
select is(tests.booked('alice', 'receivable'), 2500::bigint, 'what is not paid at delivery is owed');
select is(pg_temp.refunded('part', 2), '2000 0 0 0 500 partially_paid', 'two mugs lower what is owed, and nothing goes back');
select is(tests.booked('alice', 'receivable'), 500::bigint, 'in the books as well');
select is(pg_temp.refunded('part', 1), '1000 500 0 0 0 partially_refunded', 'of the third, the half that is not owed goes back');
select is(tests.orders_and_available('alice'), '2000/500', 'into the wallet');
select is(tests.booked('alice', 'receivable'), 0::bigint, 'nothing is owed any more');
select is(pg_temp.refunded('part', 0, 700), '700 700 0 0 0 partially_refunded', 'a free amount goes back whole');
select is(pg_temp.refunded('part', 0, 1400), 'refund_exceeds_paid', 'but no more than is left');
select is(pg_temp.refunded('part', 2), '1300 1300 0 0 0 refunded', 'the last two mugs bring what was not allowed for them before');
select is(tests.orders_and_available('alice'), '0/2500', 'all that was paid is back');

-- wallet first, then what came from outside
select tests.place_named_order('mixed', 'alice', tests.lines('mug x 4'), 'wallet_partial');
select tests.expect_success(p) from ledger_record_payment(tests.order_id('mixed'), 1500, p_reference => 'T1') p;
select tests.move_order(tests.order_id('mixed'), 'processing', 'delivered');
select is(pg_temp.refunded('mixed', 2, p_to => 'original'), '2000 2000 0 0 0 partially_refunded', 'the wallet gets back first what it paid');
select is(pg_temp.refunded('mixed', 1, p_to => 'original'), '1000 500 0 500 0 partially_refunded', 'then what came from outside is to be paid out');
select is(pg_temp.refunded('mixed', 1), '1000 0 1000 0 0 refunded', 'or becomes wallet credit');
select is(tests.orders_and_available('alice'), '0/3500', 'the wallet has its 2500 and the credit of 1000');
select is(tests.booked('alice', 'refunds_payable'), 500::bigint, 'and 500 are to be paid out');
select results_eq(
  $$ select f.wallet_amount, f.credit_amount, f.payout_amount, f.payout_status, f.destination from refunds f where f.order_id = tests.order_id('mixed') order by f.id $$,
  $$ values (2000::bigint, 0::bigint, 0::bigint, 'none', 'original'), (500, 0, 500, 'pending', 'original'), (0, 1000, 0, 'none', 'wallet') $$,
  'the refunds say where the money went');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
