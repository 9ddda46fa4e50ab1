begin;
select plan(6);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.place_named_order('paid', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.expect_success(p) from ledger_record_payment(tests.order_id('paid'), 1000) p;
select tests.expect_success(f) from ledger_freeze_account(tests.get_supabase_uid('alice'), true, 'looked into') f;
select is((select returned_amount from tests.change_status('paid', 'cancelled', '{"refund_to": "original"}')), 1000::bigint, 'an order of a frozen account is cancelled');
create temp table before as select tests.state() as state;
select results_eq(
  $$ select s.error_code, s.error_message from refunds f, ledger_settle_refund(f.id, 'paid') s $$,
  $$ values ('account_frozen', 'The account is frozen: looked into. Nothing can be spent or withdrawn until it is released.') $$, 'its payout is not paid');
select is(tests.changes((select state from before), tests.state()), null, 'the refusal changed nothing');
select is((select s.payout_status from refunds f, ledger_settle_refund(f.id, 'withdrawn') s), 'withdrawn', 'it can be withdrawn');
select is((select s.payout_status from refunds f, ledger_settle_refund(f.id, 'failed') s), 'failed', 'and fail, and stays in the house');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
