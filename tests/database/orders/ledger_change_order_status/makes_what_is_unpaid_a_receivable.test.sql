begin;
select plan(8);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 1500);
-- an admin lets goods go out before they are paid
update order_status_transitions set needs_payment = false;
create function pg_temp.books() returns text language sql as $$
  select format('escrow %s, receivable %s, revenue %s, wallet %s', tests.booked('alice', 'order_escrow'),
    tests.booked('alice', 'receivable'), tests.booked('alice', 'revenue'), tests.booked('alice', 'wallet'));
$$;

select tests.place_named_order('unpaid', 'alice', tests.lines('mug x 4'), 'bank_transfer');
select tests.move_order(tests.order_id('unpaid'), 'confirmed', 'processing', 'delivered');
select is(pg_temp.books(), 'escrow 0, receivable 4000, revenue 4000, wallet 1500', 'delivered unpaid: revenue that the customer owes');
select results_eq(
  $$ select o.status, o.payment_status, o.amount_due from tests.order_named('unpaid') o $$,
  $$ values ('delivered', 'unpaid', 4000::bigint) $$, 'the order says what is due');

select tests.place_named_order('partly', 'alice', tests.lines('mug x 2'), 'wallet_partial');
select tests.move_order(tests.order_id('partly'), 'processing', 'delivered');
select is(pg_temp.books(), 'escrow 0, receivable 4500, revenue 6000, wallet 0', 'delivered and paid in part: the rest is owed');

select is((select returned_amount from tests.change_status('unpaid', 'cancelled')), 0::bigint, 'cancelling the unpaid one returns nothing');
select is(pg_temp.books(), 'escrow 0, receivable 500, revenue 2000, wallet 0', 'and forgives what was owed for it');
select is((select returned_amount from tests.change_status('partly', 'cancelled')), 1500::bigint, 'cancelling the other returns what the wallet paid');
select is(pg_temp.books(), 'escrow 0, receivable 0, revenue 0, wallet 1500', 'then nothing is owed and nothing earned');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
