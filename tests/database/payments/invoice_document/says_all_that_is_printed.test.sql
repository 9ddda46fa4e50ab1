begin;
select plan(24);
select tests.create_supabase_user('alice', metadata => '{"display_name": "Alice A."}'), tests.create_customer('bob');
select tests.create_staff('fay', 'finance'), tests.create_staff('wes', 'warehouse');
select tests.offer('bank_transfer_grace');
select tests.create_variant('mug', price => 1000), tests.create_variant('tea', price => 300, tax_rate_bp => 1000);
create temp table placed as
  select o.order_id as id, o.order_number
  from public.ledger_save_address('Alice', '1 Mill Lane', 'Basra', 'IQ', p_user_id => tests.get_supabase_uid('alice')) a
  cross join lateral public.ledger_place_order(tests.lines('mug x 1', 'tea x 2'), 'bank_transfer_grace', p_shipping_address_id => a.address_id, p_user_id => tests.get_supabase_uid('alice')) o;
select tests.move_order(id, 'processing') from placed;
select tests.expect_success(i) from placed, public.ledger_issue_invoice(id, p_reference => 'PO 7', p_notes => 'thanks') i;
select tests.pay_invoice('PO 7', 500, 'T-1');
select tests.expect_success(r) from placed, public.ledger_refund_order(id, '[{"line_number": 2, "quantity": 1, "unshipped": true}]', p_reason => 'broken') r;
create temp table asked as select tests.invoice_id('PO 7') as id, (select n.id from public.invoices n where n.kind = 'credit_note') as note_id;
grant select on asked, placed to authenticated;

select tests.authenticate_as('alice');
create temp table printed as select d.document as d from asked, public.invoice_document(id) d;
select results_eq($$ select d ->> 'kind', d ->> 'invoice_number', d ->> 'status', d ->> 'currency', (d ->> 'exponent')::int, d ->> 'reference', d ->> 'notes' from printed $$,
  $$ values ('invoice', 'INV-000001', 'issued', 'USD', 2, 'PO 7', 'thanks') $$, 'what it is');
select results_eq($$ select d #>> '{customer,name}', d #>> '{customer,address,line1}', d #>> '{customer,address,country}' from printed $$, $$ values ('Alice A.', '1 Mill Lane', 'IQ') $$, 'whose: name and address');
select is((select d #>> '{order,order_number}' from printed), (select order_number from placed), 'of which order');
select is((select d -> 'lines' from printed), jsonb_build_array(
  jsonb_build_object('line_number', 1, 'description', 'Product mug, Variant mug', 'sku', 'mug', 'quantity', 1, 'unit_price_amount', 1000, 'discount_amount', 0, 'tax_rate_bp', 0, 'tax_amount', 0, 'net_amount', 1000, 'total_amount', 1000),
  jsonb_build_object('line_number', 2, 'description', 'Product tea, Variant tea', 'sku', 'tea', 'quantity', 2, 'unit_price_amount', 300, 'discount_amount', 0, 'tax_rate_bp', 1000, 'tax_amount', 60, 'net_amount', 600, 'total_amount', 660)), 'its lines');
select is((select d -> 'taxes' from printed), '[{"tax_rate_bp": 0, "net_amount": 1000, "tax_amount": 0}, {"tax_rate_bp": 1000, "net_amount": 600, "tax_amount": 60}]'::jsonb, 'tax by rate');
select results_eq($$ select (d ->> 'total_amount')::int, (d ->> 'credited_amount')::int, (d ->> 'amount')::int, (d ->> 'allocated_amount')::int, (d ->> 'remaining_amount')::int, d ->> 'payment_status' from printed $$,
  $$ values (1660, 330, 1330, 500, 830, 'partial') $$, 'what was paid and what remains');
select results_eq($$ select d #>> '{payments,0,reference}', d #>> '{payments,0,amount}', d #>> '{credit_notes,0,invoice_number}', d #>> '{credit_notes,0,total_amount}' from printed $$, $$ values ('T-1', '500', 'CN-000001', '330') $$, 'by which payments and credit notes');
select is((select d #>> '{printed,remaining}' from printed), '8.30 USD', 'as people read it');
select results_eq($$ select d.document ->> 'kind', d.document #>> '{credits,invoice_number}', d.document ->> 'total_amount', d.document ->> 'due_at', d.document ? 'remaining_amount' from asked, public.invoice_document(note_id) d $$,
  $$ values ('credit_note', 'INV-000001', '330', null::text, false) $$, 'a credit note says which invoice it credits, and claims nothing');
select is((select d.error_code from public.invoice_document(gen_random_uuid()) d), 'invoice_not_found', 'what is not there is not found');
select is((select d.error_code from public.invoice_document(null) d), 'invoice_not_found', 'nor is nothing');
select tests.authenticate_as('bob');
select is((select d.error_code from asked, public.invoice_document(id) d), 'invoice_not_found', 'nor somebody else''s');
select tests.authenticate_as('wes');
select is((select d.error_code from asked, public.invoice_document(id) d), 'invoice_not_found', 'nor for staff who see no accounts');
select tests.authenticate_as('fay');
select is((select d.success from asked, public.invoice_document(id) d), true, 'finance prints everybody''s');
select tests.act_as_owner();

-- totals of the document follow from its lines
select is((select sum((l ->> 'total_amount')::bigint) + (d ->> 'shipping_amount')::bigint from printed, jsonb_array_elements(d -> 'lines') l group by d), (select (d ->> 'total_amount')::numeric from printed), 'lines and shipping are the total');
select is((select sum((t ->> 'tax_amount')::bigint) from printed, jsonb_array_elements(d -> 'taxes') t), (select (d ->> 'tax_amount')::numeric from printed), 'taxes are the tax');
-- a change of the person's address changes no invoice
select tests.expect_success(s) from public.ledger_save_address('Alice', '2 New Road', 'Basra', 'IQ', p_address_id => (select a.id from public.addresses a), p_user_id => tests.get_supabase_uid('alice')) s;
select is((select d.document #>> '{customer,address,line1}' from asked, public.invoice_document(id) d), '1 Mill Lane', 'an address is kept as it was');
update public.profiles set display_name = 'Alice B.' where id = tests.get_supabase_uid('alice');
select is((select d.document #>> '{customer,name}' from asked, public.invoice_document(id) d), 'Alice A.', 'and so is a name');
select is((select d.document #>> '{customer,name}' from asked, public.invoice_document(note_id) d), 'Alice A.', 'also that of the credit note');
-- void
select tests.invoice_customer('slip', 'bob', 'x x 1 at 1');
select tests.expect_success(v) from public.ledger_void_invoice(tests.invoice_id('slip'), 'slip of the pen') v;
select results_eq($$ select d.document ->> 'status', d.document ->> 'void_reason', d.document ->> 'payment_status', d.document ->> 'amount' from public.invoice_document(tests.invoice_id('slip')) d $$,
  $$ values ('void', 'slip of the pen', null::text, '0') $$, 'a void one says so, and why');

-- erasing: who owes is kept; then the invoice stays as the law asks, with its address, without its words
select is((select error_code from public.profile_erase(tests.get_supabase_uid('alice'))), 'erase_not_possible', 'who has an invoice to pay is not erased');
select matches((select error_message from public.profile_erase(tests.get_supabase_uid('alice'))), 'unpaid invoices: 1', 'and is told so');
create temp table bob as select tests.get_supabase_uid('bob') as id;
select tests.expect_success(e) from bob, public.profile_erase(id) e;
select results_eq($$ select i.invoice_number, i.reference, i.void_reason, i.total_amount from public.invoices i join bob on bob.id = i.user_id $$,
  $$ values ('INV-000002', 'slip', null::text, 1::bigint) $$, 'numbers, amounts and references of the erased stay, words go');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
