begin;
select plan(23);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 5000), tests.create_customer('ben');
select tests.create_staff(r, r) from unnest(array['finance', 'warehouse', 'logistics']) r;
select tests.offer('bank_transfer_grace', 'invoice');
select tests.set_setting('max_grace_orders', '1');
select tests.trust('alice', 100000);
select tests.place_named_order(n, 'alice', tests.lines('mug x 1'), 'bank_transfer') from unnest(array['open', 'paid', 'cancelled', 'rejected', 'second']) n;
select tests.place_named_order('by wallet', 'alice', tests.lines('mug x 1'));
select tests.place_named_order('by invoice', 'alice', tests.lines('mug x 1'), 'invoice');
select tests.expect_success(p) from ledger_record_payment(tests.order_id('paid'), 1000) p;
select tests.move_order(tests.order_id(n), n) from unnest(array['cancelled', 'rejected']) n;

-- who may
select is(tests.outcome(w.who, $$ ledger_extend_grace(tests.order_id('open'), now() + interval '1 day') $$), w.outcome, format('%s: %s', w.who, w.outcome))
from (values ('alice', '42501'), ('ben', '42501'), ('warehouse', '42501'), ('logistics', '42501'), ('finance', 'success')) w (who, outcome);

-- which orders
select is(tests.outcome('finance', format('ledger_extend_grace(tests.order_id(%L), now() + interval ''1 day'')', n)), 'grace_not_possible', format('%s: not possible', n))
from unnest(array['paid', 'cancelled', 'rejected', 'by wallet', 'by invoice']) n;
select tests.authenticate_as('finance');
select matches(
  (select e.error_message from ledger_extend_grace(tests.order_id('by invoice'), now() + interval '1 day') e),
  '^Order ORD\d+ cannot be given time to be paid: it is paid by invoice, not by transfer\.$', 'the message says why');
select tests.act_as_owner();
select is(tests.outcome('finance', $$ ledger_extend_grace(gen_random_uuid(), now() + interval '1 day') $$), 'order_not_found', 'no order');
select is(tests.outcome('finance', $$ ledger_extend_grace(null, now() + interval '1 day') $$), 'order_not_found', 'none at all');

-- until when
select is(tests.outcome('finance', format('ledger_extend_grace(tests.order_id(''open''), %s)', t.until)), 'invalid_argument', format('until %s', t.until))
from unnest(array['null', 'now() - interval ''1 second''', 'now() + interval ''400 days''', '''infinity''', '''-infinity''']) t (until);
select is(tests.outcome('finance', $$ ledger_extend_grace(tests.order_id('open'), now() + interval '1 day', repeat('x', 2001)) $$), 'invalid_argument', 'a reason that is too long');
select tests.expect_success(e) from ledger_extend_grace(tests.order_id('open'), now() + interval '5 days') e;
select is(tests.outcome('finance', $$ ledger_extend_grace(tests.order_id('open'), now() + interval '4 days') $$), 'invalid_argument', 'a deadline is not brought forward');

-- how many
select is(tests.outcome('finance', $$ ledger_extend_grace(tests.order_id('second'), now() + interval '1 day') $$), 'grace_limit_reached', 'a second order at a time');
select is(tests.outcome('finance', $$ ledger_extend_grace(tests.order_id('open'), now() + interval '6 days') $$), 'success', 'the one that has time can be put off');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
