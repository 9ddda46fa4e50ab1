begin;
select plan(17);

select tests.create_variant('mug', price => 1000), tests.create_variant('tasse', price => 1000, currency => 'EUR');
select tests.create_customer('alice'), tests.create_customer('ben');
select tests.offer('invoice');

select tests.authenticate_as('alice');
select results_eq(
  $$ select p.error_code, p.error_details from ledger_place_order(tests.lines('mug x 1'), 'invoice') p $$,
  $$ values ('credit_not_granted', '{"currency": "USD"}'::jsonb) $$, 'without terms there is no credit');
select tests.act_as_owner();
select tests.trust('alice', grace_orders => 5);
select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 1'), 'invoice') $$), 'credit_not_granted', 'nor with terms that grant none');
select tests.trust('alice', 0);
select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 1'), 'invoice') $$), 'credit_limit_exceeded', 'nor with a limit of nothing');
select tests.trust('alice', 3000);
select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 3'), 'invoice') $$), 'success', 'up to the limit they may owe');
select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 4'), 'invoice') $$), 'credit_limit_exceeded', 'and no more');
select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 400'), 'invoice') $$), 'insufficient_stock', 'where stock is short too, that is what they read');
select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('tasse x 1'), 'invoice') $$), 'credit_not_granted', 'in the currency of the terms');
select is(tests.outcome('ben', $$ ledger_place_order(tests.lines('mug x 1'), 'invoice') $$), 'credit_not_granted', 'and their customer alone');
select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 1'), 'invoice', 500) $$), 'invalid_wallet_amount', 'the wallet pays no part of it');

select tests.place_named_order('first', 'alice', tests.lines('mug x 2'), 'invoice');
select tests.authenticate_as('alice');
select results_eq(
  $$ select p.error_code, p.error_message, p.error_details from ledger_place_order(tests.lines('mug x 2'), 'invoice') p $$,
  $$ values ('credit_limit_exceeded', '40.00 USD would be owed, 30.00 USD is the credit limit.',
             '{"currency": "USD", "limit": 3000, "debt": 2000, "not_invoiced": 0, "due": 2000, "required": 4000, "available": 1000}'::jsonb) $$,
  'what is owed already counts, and the answer has the numbers');
select tests.act_as_owner();
select is(tests.stock('mug'), 98::bigint, 'a refusal takes no stock');

-- an order whose invoice was voided is owed still
select tests.expect_success(v) from ledger_void_invoice((select i.id from invoices i where i.order_id = tests.order_id('first')), 'typing error') v;
select tests.authenticate_as('alice');
select results_eq(
  $$ select p.error_code, p.error_details -> 'debt', p.error_details -> 'not_invoiced' from ledger_place_order(tests.lines('mug x 2'), 'invoice') p $$,
  $$ values ('credit_limit_exceeded', '0'::jsonb, '2000'::jsonb) $$, 'an order on invoice that has none by now counts by itself');
select tests.act_as_owner();
select tests.expect_success(i) from ledger_issue_invoice(tests.order_id('first')) i;
select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 1'), 'invoice') $$), 'success', 'once, when it is invoiced again');

-- free invoices count, payments give room
select tests.expect_success(i) from ledger_issue_invoice(p_user_id => tests.get_supabase_uid('alice'),
  p_lines => '[{"description": "advice", "quantity": 1, "unit_price_amount": 1000}]') i;
select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 1'), 'invoice') $$), 'credit_limit_exceeded', 'an invoice without order is owed like any other');
select tests.expect_success(p) from ledger_record_payment(tests.order_id('first'), 1500) p;
select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 1'), 'invoice') $$), 'success', 'what is paid gives room');
select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 2'), 'invoice') $$), 'credit_limit_exceeded', 'so much and no more');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
