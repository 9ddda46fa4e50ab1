-- What an order owes falls and rises by more than credit notes: by payouts that are withdrawn, by payments that bounce. An
-- invoice says of none of them that they were credited.
begin;
select plan(7);
select tests.create_customer('ann');
select tests.create_variant('TEA', 100, 1000);
select tests.place_named_order('o', 'ann', tests.items('TEA'), 'bank_transfer');
create function pg_temp.stands() returns text language plpgsql as $$
begin
  if exists (select from ledger.book_differences()) then
    return 'the books differ: ' || (select string_agg(d::text, ', ') from ledger.book_differences() d);
  end if;
  return (select format('claim %s, prepaid %s, credited %s', tests.claim('o'), i.prepaid_amount, i.credited_amount)
          from public.invoices i where i.id = tests.invoice_id('o'));
end $$;

select tests.expect_success(p) from public.ledger_record_payment(tests.order_id('o'), 600, p_reference => 'P1') p;
select tests.expect_success(p) from public.ledger_record_payment(tests.order_id('o'), 400, p_reference => 'P2') p;
select tests.move_order(tests.order_id('o'), 'confirmed');
select tests.expect_success(r) from public.ledger_refund_order(tests.order_id('o'), p_amount => 300, p_to => 'original') r;
select tests.invoice_order('o');
select is(pg_temp.stands(), 'claim 0/0/0 paid, prepaid 700, credited 0', 'a refund of before the invoice is no part of it');
select tests.expect_success(v) from public.ledger_void_payment(tests.payment_id('P1')) v;
select is(pg_temp.stands(), 'claim 600/0/600 unpaid, prepaid 100, credited 0', 'a payment that bounced is claimed');
select tests.expect_success(s) from public.refunds f, public.ledger_settle_refund(f.id, 'withdrawn') s;
select is(pg_temp.stands(), 'claim 300/0/300 unpaid, prepaid 400, credited 0', 'a payout that was withdrawn is paid again, not credited');
select tests.expect_success(r) from public.ledger_refund_order(tests.order_id('o'), p_amount => 200) r;
select is(pg_temp.stands(), 'claim 100/0/100 unpaid, prepaid 400, credited 200', 'a refund is credited by its note');
select tests.expect_success(v) from public.ledger_void_payment(tests.payment_id('P2')) v;
select is(pg_temp.stands(), 'claim 500/0/500 unpaid, prepaid 0, credited 200', 'and stays credited when the rest bounced too');
select is((select d.document #> '{credit_notes,0,total_amount}' from public.invoice_document(tests.invoice_id('o')) d), '200'::jsonb, 'as the note that is there says');
select is(tests.debt('ann'), '500/0', 'what remains is the debt');
select * from finish();
rollback;
