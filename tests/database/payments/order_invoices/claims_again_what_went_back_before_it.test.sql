-- A refund that was paid out before the invoice was issued left less to invoice than was paid. When the payments then
-- go too, the order owes more than its invoice's total, and so does the invoice claim.
begin;
select plan(11);
select tests.create_customer('ann');
select tests.create_variant('TEA', 100, 1000);
select tests.place_named_order('o', 'ann', tests.items('TEA'), 'bank_transfer');
create function pg_temp.stands() returns text language plpgsql as $$
begin
  if exists (select from ledger.book_differences()) then
    return 'the books differ: ' || (select string_agg(d::text, ', ') from ledger.book_differences() d);
  end if;
  return (select format('owes %s, claim %s, prepaid %s, credited %s', o.outstanding_amount, tests.claim('o'), i.prepaid_amount, i.credited_amount)
          from tests.order_named('o') o join public.invoices i on i.order_id = o.id and i.kind = 'invoice' and i.status = 'issued');
end $$;

select tests.expect_success(c) from tests.card('o', 'captured', 600) c;
select tests.expect_success(p) from public.ledger_record_payment(tests.order_id('o'), 400, p_reference => 'P2') p;
select tests.move_order(tests.order_id('o'), 'confirmed');
select tests.expect_success(r) from public.ledger_refund_order(tests.order_id('o'), p_amount => 300, p_to => 'original') r;
select tests.expect_success(s) from public.refunds f, public.ledger_settle_refund(f.id, 'paid') s;
select tests.invoice_order('o');
select is(pg_temp.stands(), 'owes 0, claim 0/0/0 paid, prepaid 700, credited 0', 'of ten, three went back before the invoice and seven are prepaid');

-- payments of before go
select tests.expect_success(v) from public.ledger_void_payment(tests.payment_id('P2')) v;
select is(pg_temp.stands(), 'owes 400, claim 400/0/400 unpaid, prepaid 300, credited 0', 'a payment that bounced is claimed again');
savepoint bounced;
select tests.expect_success(p) from public.ledger_record_payment(tests.order_id('o'), 400, p_reference => 'P3') p;
select is((select c.success from tests.card('o', 'charged_back', 600, '{"object_id": "dp_1"}') c), true, 'a charge back of the card is booked');
select is(pg_temp.stands(), 'owes 600, claim 1000/400/600 partial, prepaid -300, credited 0', 'all that is owed is claimed, also what went back before');
select is(tests.debt('ann'), '600/0', 'and is the debt');
select results_eq($$ select d -> 'total_amount', d -> 'prepaid_amount', d -> 'paid_back_amount', d #>> '{printed,paid_back}', d -> 'credited_amount', d -> 'amount', d -> 'remaining_amount'
                     from public.invoice_document(tests.invoice_id('o')), jsonb_path_query(document, '$') d $$,
  $$ values ('700'::jsonb, '0'::jsonb, '300'::jsonb, '3.00 USD', '0'::jsonb, '1000'::jsonb, '600'::jsonb) $$, 'the printed invoice says that three were paid back');
select tests.pay_invoice('o', 600, 'P4');
select is(pg_temp.stands(), 'owes 0, claim 1000/1000/0 paid, prepaid -300, credited 0', 'and it can be paid');
select tests.expect_success(r) from public.ledger_refund_order(tests.order_id('o'), p_amount => 700, p_to => 'original') r;
select is(pg_temp.stands(), 'owes 0, claim 1000/1000/0 paid, prepaid -1000, credited 700', 'and refunded, with its note');

-- no money came by the invoice
rollback to bounced;
select is((select c.success from tests.card('o', 'charged_back', 600, '{"object_id": "dp_1"}') c), true, 'a charge back of more than is left there is booked too');
select is(pg_temp.stands(), 'owes 700, claim 700/0/700 unpaid, prepaid 0, credited 0', 'the order owes no more than it costs');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
