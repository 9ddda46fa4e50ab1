-- The invariant of an order's invoice: what remains of it is what the order owes, after whatever happened to the order.
begin;
select plan(29);
select tests.offer('bank_transfer_grace');
select tests.create_customer('alice', 1000);
select tests.create_variant('mug', price => 1000), tests.create_variant('tea', price => 300, tax_rate_bp => 1000);
create function pg_temp.order_and_invoice(p_name text) returns text language plpgsql as $$
begin
  if exists (select from ledger.book_differences()) then
    return 'the books differ: ' || (select string_agg(d::text, ', ') from ledger.book_differences() d);
  end if;
  return (select format('%s %s, invoice %s', o.payment_status, o.outstanding_amount, tests.claim(p_name)) from tests.order_named(p_name) o);
end $$;
create function pg_temp.notes(p_name text) returns text language plpgsql as $$
begin
  return (select string_agg(format('%s %s', n.invoice_number, n.total_amount), ', ' order by n.id) from public.invoices n
          where n.kind = 'credit_note' and n.order_id = tests.order_id(p_name));
end $$;

-- unpaid, refunded in part, cancelled
select tests.place_named_order('unpaid', 'alice', tests.lines('mug x 2', 'tea x 2'), 'bank_transfer_grace');
select tests.move_order(tests.order_id('unpaid'), 'processing');
select tests.invoice_order('unpaid');
select is(pg_temp.order_and_invoice('unpaid'), 'in_grace 2660, invoice 2660/0/2660 unpaid', 'an unpaid order is claimed whole');
select is((select error_code from public.ledger_edit_order(tests.order_id('unpaid'), '[{"line_number": 1, "quantity": 1}]')), 'order_invoiced', 'what was invoiced is not edited');
select tests.expect_success(r) from public.ledger_refund_order(tests.order_id('unpaid'), '[{"line_number": 2, "quantity": 1, "unshipped": true}]', p_reason => 'broken') r;
select is(pg_temp.order_and_invoice('unpaid'), 'in_grace 2330, invoice 2330/0/2330 unpaid', 'what is refunded is claimed no more');
select is(pg_temp.notes('unpaid'), 'CN-000001 330', 'by a credit note of it');
select results_eq($$ select l.sku, l.quantity, l.total_price_amount, l.tax_rate_bp, l.tax_amount from public.invoice_lines l join public.invoices n on n.id = l.invoice_id where n.invoice_number = 'CN-000001' $$,
  $$ values ('tea', 1::bigint, 300::bigint, 1000, 30::bigint) $$, 'with its line and its tax');
select results_eq($$ select n.refund_id is not null, n.notes, i.credited_amount from public.invoices n join public.invoices i on i.id = n.credits_invoice_id where n.invoice_number = 'CN-000001' $$,
  $$ values (true, 'broken', 330::bigint) $$, 'it names its refund, and the invoice counts it');
select results_eq($$ select e.payload -> 'debt_effect', e.payload ->> 'credit_note_number' from public.immutable_events e where e.event_type = 'order.refunded' $$,
  $$ values ('{"invoiced": -330}'::jsonb, 'CN-000001') $$, 'the refund''s event says so');
select tests.move_order(tests.order_id('unpaid'), 'cancelled');
select is(pg_temp.order_and_invoice('unpaid'), 'unpaid 0, invoice 0/0/0 paid', 'a cancelled order is claimed no more');
select is(pg_temp.notes('unpaid'), 'CN-000001 330, CN-000002 2330', 'by another one');
select is(tests.debt('alice'), '0/0', 'nothing is owed');

-- paid by allocation, delivered, refunded with money back, payment void
select tests.place_named_order('paid', 'alice', tests.lines('mug x 3'), 'bank_transfer_grace');
select tests.invoice_order('paid');
select tests.pay_invoice('paid', 1000, 'P-1');
select is(pg_temp.order_and_invoice('paid'), 'in_grace 2000, invoice 3000/1000/2000 partial', 'a payment for the invoice pays the order');
select tests.expect_success(p) from public.ledger_record_payment(tests.order_id('paid'), 2000, p_reference => 'P-2') p;
select is(pg_temp.order_and_invoice('paid'), 'paid 0, invoice 3000/3000/0 paid', 'and one for the order pays its invoice');
select tests.move_order(tests.order_id('paid'), 'processing', 'delivered');
select tests.expect_success(r) from public.ledger_refund_order(tests.order_id('paid'), '[{"line_number": 1, "quantity": 1}]', p_to => 'original') r;
select is(pg_temp.order_and_invoice('paid'), 'partially_refunded 0, invoice 3000/3000/0 paid', 'money that goes back is no claim and no debt');
select is(pg_temp.notes('paid'), 'CN-000003 1000', 'its credit note is there');
select results_eq($$ select i.credited_amount, i.prepaid_amount from public.invoices i where i.id = tests.invoice_id('paid') $$, $$ values (1000::bigint, -1000::bigint) $$, 'what it credits was paid, and went back');
select tests.expect_success(s) from public.refunds f, public.ledger_settle_refund(f.id, 'withdrawn') s where f.payout_status = 'pending';
select is(pg_temp.order_and_invoice('paid'), 'overpaid -1000, invoice 3000/3000/0 paid', 'a withdrawn payout leaves the order with too much, and no claim');
select tests.expect_success(v) from public.payments p, public.ledger_void_payment(p.id, 'it bounced') v where p.reference = 'P-2';
select is(pg_temp.order_and_invoice('paid'), 'in_grace 1000, invoice 2000/1000/1000 partial', 'once the payment bounced, what is owed again is claimed again, and no more');
select is(tests.debt('alice'), '1000/0', 'and is the debt');
select is((select error_code from public.ledger_void_invoice(tests.invoice_id('paid'))), 'invoice_allocated', 'it cannot be void while money is allocated');
select tests.pay_invoice('paid', 1000, 'P-3');
select is(pg_temp.order_and_invoice('paid'), 'paid 0, invoice 2000/2000/0 paid', 'until it is paid');

-- paid before it was invoiced
select tests.place_named_order('before', 'alice', tests.lines('mug x 1'), 'bank_transfer_grace');
select tests.expect_success(p) from public.ledger_record_payment(tests.order_id('before'), 400, p_reference => 'B-1') p;
select tests.invoice_order('before');
select is(pg_temp.order_and_invoice('before'), 'in_grace 600, invoice 600/0/600 unpaid', 'what was paid before is not claimed');
select tests.expect_success(v) from public.payments p, public.ledger_void_payment(p.id, 'it bounced') v where p.reference = 'B-1';
select is(pg_temp.order_and_invoice('before'), 'in_grace 1000, invoice 1000/0/1000 unpaid', 'until that bounced');
select is((select i.prepaid_amount from public.invoices i where i.id = tests.invoice_id('before')), 0::bigint, 'then nothing is prepaid');

-- an allowance, then the unit it was for
select tests.place_named_order('allowed', 'alice', tests.lines('tea x 2'));
select tests.move_order(tests.order_id('allowed'), 'processing', 'delivered');
select tests.invoice_order('allowed');
select tests.expect_success(r) from public.ledger_refund_order(tests.order_id('allowed'), p_amount => 500, p_reason => 'stale') r;
select tests.expect_success(r) from public.ledger_refund_order(tests.order_id('allowed'), '[{"line_number": 1, "quantity": 2}]') r;
select results_eq($$ select n.total_amount, n.tax_amount, l.description from public.invoices n join public.invoice_lines l on l.invoice_id = n.id
  where n.order_id = tests.order_id('allowed') and n.kind = 'credit_note' order by n.id $$,
  format($$ values (500::bigint, 45::bigint, 'Reduction of order %1$s'), (160, 15, 'Taken back of order %1$s, after a reduction: 2 x Product tea, Variant tea') $$, (select order_number from tests.order_named('allowed'))),
  'an allowance is credited with its tax, and units later what is left of them');
select is((select sum(n.tax_amount) from public.invoices n where n.order_id = tests.order_id('allowed') and n.kind = 'credit_note'), 60::numeric, 'together the tax of the order');
select is(pg_temp.order_and_invoice('allowed'), 'refunded 0, invoice 0/0/0 paid', 'nothing was ever claimed of what the wallet paid');
select is((select count(*)::int from public.invoices n where n.kind = 'credit_note'), 5, 'five credit notes');
select is((select s.next_number from public.invoice_series s where s.code = 'credit_note'), 6::bigint, 'numbered without a gap');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
