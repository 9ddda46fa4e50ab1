-- Source 002: an invoice that is no order's. Tax per line, half up, as for orders; booked as owed when it is issued.
begin;
select plan(17);
select tests.create_customer('alice');
select tests.create_staff('fay', 'finance');

create temp table asked as select tests.get_supabase_uid('alice') as alice, tests.invoice_lines('work x 3 at 333 tax 1900', 'book x 1 at 250 less 50 tax 700', 'gift x 1 at 0') as lines;
grant select on asked to authenticated;
select tests.authenticate_as('fay');
create temp table issued as
  select i.* from asked, public.ledger_issue_invoice(p_user_id => alice, p_lines => lines, p_due_at => '2030-01-01', p_reference => 'PO 7', p_notes => 'thanks', p_idempotency_key => 'k') i;
select results_eq(
  $$ select success, invoice_number, order_id, currency, total_amount, tax_amount, prepaid_amount, amount, due_at, version from issued $$,
  $$ values (true, 'INV-000001', null::uuid, 'USD', 1403::bigint, 204::bigint, 0::bigint, 1403::bigint, timestamptz '2030-01-01', 1::bigint) $$,
  'three at 3.33 with 19 % and one at 2.00 with 7 %: 9.99 + 1.90 + 2.00 + 0.14');
select is((select i.invoice_id from asked, public.ledger_issue_invoice(p_user_id => alice, p_lines => lines, p_due_at => '2030-01-01', p_reference => 'PO 7', p_notes => 'thanks', p_idempotency_key => 'k') i),
  (select invoice_id from issued), 'the same key answers the same invoice');
select is((select i.error_code from asked, public.ledger_issue_invoice(p_user_id => alice, p_lines => lines, p_idempotency_key => 'k') i),
  'idempotency_conflict', 'with other arguments it is a conflict');
select tests.act_as_owner();

select results_eq($$ select line_number, description, quantity, total_price_amount, discount_amount, tax_rate_bp, tax_amount from public.invoice_lines order by 1 $$,
  $$ values (1, 'work', 3::bigint, 999::bigint, 0::bigint, 1900, 190::bigint), (2, 'book', 1, 250, 50, 700, 14), (3, 'gift', 1, 0, 0, 0, 0) $$, 'its lines are kept');
select results_eq($$ select subtotal_amount, discount_amount, shipping_amount, tax_amount, total_amount, issued_by, reference, notes from public.invoices $$,
  $$ values (1249::bigint, 50::bigint, 0::bigint, 204::bigint, 1403::bigint, tests.get_supabase_uid('fay'), 'PO 7', 'thanks') $$, 'totals follow from them');
select is(tests.claim('PO 7'), '1403/0/1403 unpaid', 'all of it is left to pay');
select is(tests.debt('alice'), '1403/0', 'and owed');
select is(array[tests.booked('alice', 'receivable'), tests.booked('alice', 'revenue'), tests.booked('alice', 'tax_payable'), tests.booked('alice', 'wallet')],
  array[1403, 1199, 204, 0]::bigint[], 'as receivable from revenue and tax');
select results_eq($$ select type, amount, actor_id, reference_id, order_id from public.transactions $$,
  $$ select 'invoice_issued', 0::bigint, tests.get_supabase_uid('fay'), invoice_id, null::uuid from issued $$, 'one transaction that moves no wallet');
select results_eq($$ select event_type, stream_type, stream_id, payload -> 'debt_effect', payload ->> 'total_amount', payload ? 'reference' from public.immutable_events where event_type like 'invoice%' $$,
  $$ select 'invoice.issued', 'invoice', invoice_id, '{"invoiced": 1403}'::jsonb, '1403', false from issued $$, 'one event says what it did to the debt, without anybody''s words');
select is((select t.texts ->> 'reference' from public.event_texts t), 'PO 7', 'those stand beside it');

-- prices with tax in them; the customer's terms; another series; a currency without minor units
update public.settings set value = 'true' where key = 'prices_include_tax';
insert into public.invoice_series (code, kind, prefix, digits, first_number, next_number, description) values ('branch', 'invoice', 'B', 3, 41, 41, 'Of the branch.');
create temp table included as select i.* from asked, public.ledger_issue_invoice(p_user_id => alice, p_lines => tests.invoice_lines('work x 1 at 1190 tax 1900'), p_series => 'branch', p_reference => 'in') i;
select results_eq('select invoice_number, total_amount, tax_amount from included', $$ values ('B041', 1190::bigint, 190::bigint) $$, 'tax that the prices contain is taken out of them');
select is((select i.due_at - i.issued_at from public.invoices i where i.reference = 'in'), interval '30 days', 'it is due as the setting says');
select is(array[tests.booked('alice', 'receivable'), tests.booked('alice', 'revenue')], array[2593, 2199]::bigint[], 'and revenue is what is left');
select results_eq($$ select success, currency, total_amount from asked, public.ledger_issue_invoice(p_user_id => alice, p_lines => tests.invoice_lines('work x 7 at 11'), p_currency => 'jpy') $$,
  $$ values (true, 'JPY', 77::bigint) $$, 'the first of a currency opens the account');
select is(tests.debt('alice', 'JPY'), '77/0', 'which owes it');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
