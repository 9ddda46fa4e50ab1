begin;
select plan(4);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 5000);
select tests.place_named_order('before', 'alice', tests.lines('mug x 1'));
select tests.expect_success(f) from ledger_freeze_account(tests.get_supabase_uid('alice'), true, 'card fraud') f;

select tests.authenticate_as('alice');
select results_eq(
  $$ select error_code, error_message from ledger_place_order(tests.lines('mug x 1')) $$,
  $$ values ('account_frozen', 'The account is frozen: card fraud. Nothing can be spent or withdrawn until it is released.') $$,
  'a frozen account pays for no order');
select tests.act_as_owner();
select is(tests.stock('mug'), 99::bigint, 'the refused order took no stock');

select is(
  (select available_balance from tests.change_status('before', 'cancelled')), 5000::bigint,
  'money of a cancelled order comes back to a frozen account');
select tests.expect_success(f) from ledger_freeze_account(tests.get_supabase_uid('alice'), false) f;
select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 1')) $$), 'success', 'a released account pays again');

select * from finish();
rollback;
