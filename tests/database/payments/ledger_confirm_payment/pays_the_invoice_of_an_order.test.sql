begin;
select plan(11);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.set_setting('auto_confirm_when_paid', 'true');
select tests.place_named_order('billed', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select is((select success from public.ledger_issue_invoice(tests.order_id('billed'))), true, 'an order has an invoice');
select is((select payment_status from tests.card('billed', 'captured', 1200)), 'paid', 'a card pays it');
select results_eq($$ select p.allocated_amount, p.unapplied_amount, p.credit_amount from payments p $$, $$ values (1000::bigint, 200::bigint, 0::bigint) $$,
  'by an allocation, and what is more stays with the payment');
select is((select effect from tests.card('billed', 'refunded', 200, '{"object_id": "re_1"}')), 'booked', 'the shop gives that back');
select results_eq($$ select p.allocated_amount, p.unapplied_amount from payments p $$, $$ values (1000::bigint, 0::bigint) $$, 'and the invoice stays paid');
select is((select effect from tests.card('billed', 'refunded', 100, '{"object_id": "re_2"}')), 'booked', 'then a part of what it needed');
select alike(tests.books_of('billed'), 'confirmed % credited 100 held 900 outstanding 0 %', 'which is off the order');
select is((select payment_status from tests.card('billed', 'charged_back', 900, '{"object_id": "dp_1"}')) is not null, true, 'the rest is disputed');
select results_eq($$ select b.remaining_amount from invoice_balance_cache b where b.remaining_amount > 0 $$,
  $$ select greatest(o.outstanding_amount, 0) from tests.order_named('billed') o $$, 'the invoice claims what the order owes');
select is((select outstanding_amount from tests.card('billed', 'charge_back_won', 900, '{"object_id": "dp_1"}')), 0::bigint, 'and it is won');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
