begin;
select plan(12);

select tests.create_variant('mug', price => 1000), tests.create_variant('tasse', price => 1000, currency => 'EUR');
select tests.create_customer('alice'), tests.create_customer('ben');
select tests.offer('bank_transfer_grace');
select tests.set_setting('max_grace_orders', '2');
select tests.place_named_order(n, 'alice', tests.lines('mug x 1'), 'bank_transfer_grace') from unnest(array['one', 'two']) n;

select tests.authenticate_as('alice');
select results_eq(
  $$ select p.error_code, p.error_details, p.error_message from ledger_place_order(tests.lines('mug x 1'), 'bank_transfer_grace') p $$,
  $$ values ('grace_limit_reached', '{"open": 2, "maximum": 2}'::jsonb,
             'This customer has 2 orders that were given time to be paid; 2 at a time are allowed.') $$, 'a third one is refused, with the numbers');
select tests.act_as_owner();
select is(tests.stock('mug'), 98::bigint, 'which takes no stock');
select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 500'), 'bank_transfer_grace') $$), 'insufficient_stock', 'where stock is short too, that is what they read');
select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 1'), 'bank_transfer') $$), 'success', 'other methods go on');
select is(tests.outcome('ben', $$ ledger_place_order(tests.lines('mug x 1'), 'bank_transfer_grace') $$), 'success', 'and so do other customers');
select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('tasse x 1'), 'bank_transfer_grace') $$), 'success', 'and other currencies, whose terms are their own');

select tests.expect_success(p) from ledger_record_payment(tests.order_id('one'), 1000) p;
select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 1'), 'bank_transfer_grace') $$), 'success', 'one that is paid counts no more');
select tests.set_setting('grace_expiry', '"flag"');
select tests.bring_deadline_forward('two', interval '4 days');
select ledger.expire_grace();
select tests.place_named_order('three', 'alice', tests.lines('mug x 1'), 'bank_transfer_grace');
select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 1'), 'bank_transfer_grace') $$), 'grace_limit_reached', 'one that is overdue does count');

select tests.trust('alice', grace_orders => 3);
select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 1'), 'bank_transfer_grace') $$), 'success', 'a customer''s own limit may be higher');
select tests.trust('ben', grace_orders => 0);
select is(tests.outcome('ben', $$ ledger_place_order(tests.lines('mug x 1'), 'bank_transfer_grace') $$), 'grace_limit_reached', 'or nothing at all');
select tests.trust('ben');
select is(tests.outcome('ben', $$ ledger_place_order(tests.lines('mug x 1'), 'bank_transfer_grace') $$), 'success', 'left out, it is the shop''s again');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
