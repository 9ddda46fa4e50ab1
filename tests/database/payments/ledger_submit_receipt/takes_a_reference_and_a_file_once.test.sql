begin;
select plan(17);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice'), tests.create_customer('bob');
select tests.create_staff('fay', 'finance');
select tests.place_named_order('transfer', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.place_named_order('further', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.place_named_order('bobs', 'bob', tests.lines('mug x 1'), 'bank_transfer');
create function pg_temp.submit(who text, what text, reference text, path text default null) returns text language sql volatile as $$
  select tests.outcome(null, format('ledger_submit_receipt(%L, 1000, %L, %L, p_user_id => %L)', tests.order_id(what), reference, path, tests.get_supabase_uid(who)));
$$;

select tests.submit_receipt('alice', 'transfer', 1000, 'AB-123');
create temp table before as select tests.state() as state;
select is(pg_temp.submit(c.who, c.what, c.reference), c.expected, format('%s with %s: %s', c.who, c.reference, c.expected))
from (values ('alice', 'further', 'AB-123', 'receipt_reference_used'), ('bob', 'bobs', 'ab 123', 'receipt_reference_used'), ('bob', 'bobs', 'ab-۱۲۳', 'receipt_reference_used'),
             ('bob', 'bobs', 'AB-124', 'success')) c (who, what, reference, expected);
select is(tests.changes((select state from before), tests.state()), null, 'a refusal changes nothing');

-- withdrawn or rejected, its reference is free; approved, it is the payment's
select tests.expect_success(w) from ledger_withdraw_receipt(tests.receipt_id('AB-123'), p_user_id => tests.get_supabase_uid('alice')) w;
select is(pg_temp.submit('bob', 'bobs', 'AB-123'), 'success', 'a withdrawn receipt leaves its reference');
select tests.submit_receipt('alice', 'transfer', 1000, 'AB-123');
select tests.expect_success(r) from ledger_review_receipt(tests.receipt_id('AB-123'), 'reject', p_notes => 'unreadable') r;
select is(pg_temp.submit('bob', 'bobs', 'AB-123'), 'success', 'so does a rejected one');
select tests.submit_receipt('alice', 'transfer', 1000, 'AB-123');
select tests.expect_success(r) from ledger_review_receipt(tests.receipt_id('AB-123'), 'approve', 400) r;
select is(pg_temp.submit('bob', 'bobs', 'ab123'), 'payment_reference_used', 'what was approved, even in part, is a payment');
select tests.expect_success(p) from ledger_record_payment(tests.order_id('further'), 10, 'bank_transfer', 'CD-1') p;
select is(pg_temp.submit('bob', 'bobs', 'cd 1'), 'payment_reference_used', 'and so is what finance recorded itself');
select tests.expect_success(p) from ledger_record_payment(tests.order_id('further'), 10, 'cash', 'CD-2') p;
select is(pg_temp.submit('bob', 'bobs', 'CD-2'), 'success', 'what came in otherwise has names of its own');
-- a payment that never was one
select tests.expect_success(v) from ledger_void_payment((select payment_id from tests.receipt('AB-123')), 'another order''s') v;
select isnt((select payment_voided_at from tests.receipt('AB-123')), null, 'the receipt says that its payment was voided');
select is((select status from tests.receipt('AB-123')), 'partly_approved', 'and stays as it was judged');
select is(pg_temp.submit('alice', 'further', 'AB-123'), 'success', 'the transfer may be shown for the order that it was for');
select tests.submit_receipt('alice', 'further', 1000, 'AB-123');

-- one file, one receipt
select tests.expect_success(s) from ledger_submit_receipt(tests.order_id('bobs'), 500, null, tests.get_supabase_uid('bob') || '/a.pdf', p_user_id => tests.get_supabase_uid('bob')) s;
select is(pg_temp.submit('bob', 'bobs', 'EF-1', tests.get_supabase_uid('bob') || '/a.pdf'), 'receipt_file_used', 'a file shows one transfer');
select is(pg_temp.submit('bob', 'bobs', 'EF-1', tests.get_supabase_uid('bob') || '/b.pdf'), 'success', 'another one another');
-- past the procedures, in plain SQL
select throws_ok($$ select tests.tamper('insert into public.payment_receipts (account_id, user_id, currency, amount, reference) select account_id, user_id, currency, 1, ''a-b 1 2 3'' from public.payment_receipts where status = ''submitted'' limit 1') $$,
  '23505', null, 'the index refuses what the procedures would');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
