begin;
select plan(7);

select tests.create_customer('alice', 1000);

select is_empty(
  $$ select from accounts a where a.user_id = tests.get_supabase_uid('alice') and a.currency <> 'USD' $$, 'a customer starts in the default currency');
select results_eq(
  $$ select success, currency, available_balance from ledger_credit_account(tests.get_supabase_uid('alice'), 5, p_currency => 'jpy') $$,
  $$ values (true, 'JPY', 5::bigint) $$, 'a credit in another currency opens an account in it, named in any case');
select results_eq(
  $$ select a.currency, a.available_balance from accounts a where a.user_id = tests.get_supabase_uid('alice') order by 1 $$,
  $$ values ('JPY', 5::bigint), ('USD', 1000) $$, 'each currency has its own balance (DESIGN section 5)');
select results_eq(
  $$ select error_code, error_message from ledger_credit_account(tests.get_supabase_uid('alice'), 5, p_currency => 'XXX') $$,
  $$ select 'unknown_currency', format('There is no currency "XXX"; known ones: %s.', string_agg(c.code, ', ' order by c.code)) from currencies c $$,
  'a currency that is not known is refused');
select tests.set_setting('default_currency', '"IQD"');
select is(
  (select currency from ledger_credit_account(tests.get_supabase_uid('alice'), 5)), 'IQD', 'the default currency is a setting');
select is(
  (select count(distinct p.currency) from postings p where p.account_id in (select a.id from accounts a where a.user_id = tests.get_supabase_uid('alice'))),
  3::bigint, 'postings are in the account''s currency');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
