-- A wallet that nobody can reach gets no money: an erased referrer earns no commission, and what an erased vendor's owner would get stays payable.
begin;
select plan(9);

select tests.create_customer('alice', 10000), tests.create_customer('bob'), tests.create_supabase_user('wendy');
select tests.create_vendor('Weaver', null, 1000);
select tests.create_vendor_variant('Weaver', 'rug', price => 1000);
select tests.expect_success(r) from ledger_register_referral(
  (select referral_code from profiles where id = tests.get_supabase_uid('bob')), p_user_id => tests.get_supabase_uid('alice')) r;
create temp table rate as select rate_bp from referrals;
select ok((select rate_bp > 0 from rate), 'bob has brought alice');
select tests.place_named_order('a', 'alice', tests.lines('rug x 2'));
create temp table them as select tests.get_supabase_uid('bob') as bob, tests.get_supabase_uid('wendy') as wendy;
select tests.expect_success(e) from them, unnest(array[bob, wendy]) n, profile_erase(n) e;
-- as if the referral and the vendor had come to them at the same moment
select set_config('ledger.procedure', 'a procedure', true);
update referrals set rate_bp = rate.rate_bp from rate;
select set_config('ledger.procedure', '', true);
update vendors set owner_user_id = wendy from them;

select tests.move_order(tests.order_id('a'), 'processing', 'delivered');
select is_empty('select from referral_commissions', 'the referrer who was erased earns no commission');
select is_empty('select from accounts, them where user_id in (bob, wendy)', 'and no account is opened for either');
select results_eq('select owner_user_id, account_id, share_amount from vendor_earnings', $$ values (null::uuid, null::uuid, 1800::bigint) $$, 'the vendor''s share is nobody''s');
select is(tests.booked('alice', 'vendor_payable'), 1800::bigint, 'and stays payable');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select is((select r.credited_amount from ledger_refund_order(tests.order_id('a'), '[{"line_number": 1, "quantity": 1}]') r), 1000::bigint, 'a unit is refunded');
select is(tests.booked('alice', 'vendor_payable'), 900::bigint, 'and its share is payable no more');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
