-- Source 002, section 10: an invoice that should not have been issued keeps its number and claims nothing.
begin;
select plan(17);
select tests.create_customer('alice', 5000);
select tests.create_staff('fay', 'finance');
select tests.create_variant('mug', price => 1000);
select tests.invoice_customer('free', 'alice', 'work x 2 at 100 tax 1000');
create temp table asked as select tests.invoice_id('free') as id;
grant select on asked to authenticated;
select tests.authenticate_as('fay');
select results_eq($$ select success, invoice_number, order_id, voided_amount, version from asked, public.ledger_void_invoice(id, 'issued twice', 'k') $$,
  $$ values (true, 'INV-000001', null::uuid, 220::bigint, 2::bigint) $$, 'a free one is void');
select is((select voided_amount from asked, public.ledger_void_invoice(id, 'issued twice', 'k')), 220::bigint, 'the same key answers the same');
select is((select error_message from asked, public.ledger_void_invoice(id, 'again')), 'Invoice INV-000001 is already void.', 'once only');
select tests.act_as_owner();
select is(tests.claim('free'), '0/0/0 paid', 'it claims nothing');
select is(tests.debt('alice'), '0/0', 'nothing is owed');
select is(array[tests.booked('alice', 'receivable'), tests.booked('alice', 'revenue'), tests.booked('alice', 'tax_payable')], array[0, 0, 0]::bigint[], 'nothing is booked');
select results_eq($$ select i.status, i.total_amount, i.voided_by, i.void_reason, i.voided_at is not null from public.invoices i $$,
  $$ values ('void', 220::bigint, tests.get_supabase_uid('fay'), 'issued twice', true) $$, 'what was issued is kept, with who and why');
select results_eq($$ select e.event_type, e.payload -> 'debt_effect', e.payload ->> 'voided_amount' from public.immutable_events e order by e.id desc limit 1 $$,
  $$ values ('invoice.voided', '{"invoiced": -220}'::jsonb, '220') $$, 'an event says so');
select is((select invoice_number from public.ledger_issue_invoice(p_user_id => tests.get_supabase_uid('alice'), p_lines => tests.invoice_lines('work x 1 at 1'))), 'INV-000002', 'its number stays taken');

-- an order can be edited again, and keeps what was paid
select tests.place_named_order('order', 'alice', tests.lines('mug x 2'));
select tests.invoice_order('order');
select is((select error_code from public.ledger_edit_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 1}]')), 'order_invoiced', 'an invoiced order is not edited');
select is((select v.success from public.ledger_void_invoice(tests.invoice_id('order')) v), true, 'its invoice is void');
select is((select total_amount from public.ledger_edit_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 1}]')), 1000::bigint, 'then it is');
select is((select total_amount from public.ledger_issue_invoice(tests.order_id('order'))), 1000::bigint, 'and invoiced as it is now');

-- what is not void
select tests.invoice_customer('paid', 'alice', 'work x 1 at 500'), tests.invoice_customer('credited', 'alice', 'work x 1 at 500');
select tests.pay_invoice('paid', 100), (tests.expect_success(c)).credit_note_id from public.ledger_credit_invoice(tests.invoice_id('credited'), p_amount => 1) c;
create temp table before as select tests.state() as state;
select is((select error_message from public.ledger_void_invoice(tests.invoice_id('paid'))), '1.00 USD are allocated to invoice INV-000005; reverse that first.', 'an invoice with money allocated');
select is((select error_code from public.ledger_void_invoice(tests.invoice_id('credited'))), 'invoice_credited', 'or with a credit note');
select is(tests.changes((select state from before), tests.state()), null, 'nothing changed');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
