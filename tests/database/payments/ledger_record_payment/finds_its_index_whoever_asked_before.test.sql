-- A connection keeps how an index reads to the first who asked. Whoever that was, the same transfer is still recognised.
begin;
select plan(3);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.create_staff('fay', 'finance');
-- so that this connection looks at the table anew, for somebody who may not call what the index is made with
alter table payments set (fillfactor = 80);
select tests.authenticate_as('alice');
select is((select count(*)::int from payments where method = 'bank_transfer'), 0, 'a customer reads payments');
select tests.authenticate_as('fay');
select is(
  (select unapplied_amount from ledger_record_payment(p_user_id => tests.get_supabase_uid('alice'), p_amount => 500, p_reference => 'ab-1')), 500::bigint,
  'then a payment is recorded');
select is(
  (select error_code from ledger_record_payment(p_user_id => tests.get_supabase_uid('alice'), p_amount => 500, p_reference => 'AB 1')), 'payment_reference_used',
  'once');

select * from finish();
rollback;
