begin;
select plan(8);

select tests.create_variant('mug', price => 600);
select tests.create_customer('alice', 1000);
select tests.create_customer('bob');
select tests.place_named_order('first', 'alice', tests.lines('mug x 1'));
create function pg_temp.adjusting(p_customer text, p_amount bigint) returns text language sql as $$
  select tests.outcome(null, format('ledger_credit_account(%L, %L, ''adjustment'')', tests.get_supabase_uid(p_customer), p_amount));
$$;

select is(pg_temp.adjusting('alice', -401), 'insufficient_funds', 'more than is available, though it was earned, is not taken (DESIGN section 5)');
select is(pg_temp.adjusting('alice', -400), 'success', 'all that is available is taken');
select is(pg_temp.adjusting('bob', -1), 'insufficient_funds', 'nothing is taken from a customer without an account');
select is_empty($$ select from tests.account('bob') $$, 'and none is opened for it');
select results_eq(
  $$ select error_message from ledger_credit_account(tests.get_supabase_uid('alice'), -401, 'adjustment') $$,
  $$ values ('4.01 USD is needed, 4.00 USD is available.') $$, 'the message carries both amounts');

select tests.expect_success(c) from ledger_credit_account(tests.get_supabase_uid('alice'), -400, 'adjustment') c;
select is(tests.orders_and_available('alice'), '600/0', 'what was available is gone');
select is(
  (select available_balance from tests.change_status('first', 'cancelled')), 600::bigint, 'the order can still be cancelled and its money returned');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
