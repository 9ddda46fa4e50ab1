begin;
select plan(19);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 9000);
select tests.offer('invoice');
select tests.trust('alice', 5000, 14);

select tests.authenticate_as('alice');
select results_eq(
  $$ select p.success, p.status, p.payment_status, p.wallet_amount, p.amount_due, p.available_balance
     from ledger_place_order(tests.lines('mug x 2'), 'invoice', p_notes => 'first') p $$,
  $$ values (true, 'pending', 'unpaid', 0::bigint, 2000::bigint, 9000::bigint) $$, 'nothing is taken from the wallet');
select results_eq(
  $$ select i.order_id, i.status, i.total_amount, i.amount, i.due_at - i.issued_at from invoices i $$,
  $$ select tests.order_id('first'), 'issued', 2000::bigint, 2000::bigint, interval '14 days' $$, 'its customer sees the invoice, due by their terms');
select tests.act_as_owner();
select is((select c.debt_amount from account_debt_cache c where c.account_id = (select id from tests.account('alice'))), 2000::bigint, 'which is their debt');
select is(
  (select array_agg(t.type order by t.account_version desc) from transactions t where t.order_id = tests.order_id('first')),
  array['invoice_issued', 'order_created'], 'placing and issuing are a transaction each');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

-- it goes on without the money
select is(tests.outcome(null, $$ tests.change_status('first', 'confirmed') $$), 'success', 'the order may be confirmed');
select ok((select o.next_steps ? 'processing' from order_tracking(tests.order_id('first')) o), 'and tracking says so');
select tests.move_order(tests.order_id('first'), 'confirmed', 'processing', 'delivered');
select is(tests.booked('alice', 'receivable'), 2000::bigint, 'delivered, it is a receivable');
select tests.expect_success(p) from ledger_record_payment(tests.order_id('first'), 2000, 'bank_transfer', 'T-1') p;
select results_eq(
  $$ select o.payment_status, b.remaining_amount from tests.order_named('first') o join invoices i on i.order_id = o.id join invoice_balance_cache b on b.invoice_id = i.id $$,
  $$ values ('paid', 0::bigint) $$, 'a payment pays the order by its invoice');

-- where the credit of an invoice ends
select tests.place_named_order(n, 'alice', tests.lines('mug x 1'), 'invoice') from unnest(array['overdue', 'void', 'kept']) n;
select tests.expect_success(c) from ledger_change_invoice((select i.id from invoices i where i.order_id = tests.order_id('overdue')), clock_timestamp()) c;
select is(tests.outcome(null, $$ tests.change_status('overdue', 'confirmed') $$), 'payment_required', 'an overdue invoice lets nothing go out');
select ok(not (select o.next_steps ? 'confirmed' from order_tracking(tests.order_id('overdue')) o), 'and tracking does not offer it');
select tests.expect_success(v) from ledger_void_invoice((select i.id from invoices i where i.order_id = tests.order_id('void')), 'wrong address') v;
select is(tests.outcome(null, $$ tests.change_status('void', 'confirmed') $$), 'payment_required', 'nor does a void one');
select tests.expect_success(i) from ledger_issue_invoice(tests.order_id('void')) i;
select is(tests.outcome(null, $$ tests.change_status('void', 'confirmed') $$), 'success', 'the next one does');
select tests.trust('alice');
select is(tests.outcome(null, $$ tests.change_status('kept', 'confirmed') $$), 'success', 'terms that are withdrawn bind orders to come only');
select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 1'), 'invoice') $$), 'credit_not_granted', 'as they do at once');

select tests.expect_success(c) from tests.change_status('kept', 'cancelled') c;
select is((select c.debt_amount from account_debt_cache c where c.account_id = (select id from tests.account('alice'))), 2000::bigint, 'a cancelled one is owed no more');

-- nothing to pay, nothing to invoice
select tests.create_variant('gift', price => 0);
select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('gift x 1'), 'invoice') $$), 'success', 'what costs nothing needs no credit');
select tests.place_named_order('gift', 'alice', tests.lines('gift x 1'), 'invoice');
select is_empty($$ select from invoices i where i.order_id = tests.order_id('gift') $$, 'and gets no invoice');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
