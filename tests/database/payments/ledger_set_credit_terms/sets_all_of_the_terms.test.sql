begin;
select plan(13);

select tests.create_customer('alice'), tests.create_customer('ben', 500);
select tests.create_staff('fay', 'finance');

select tests.authenticate_as('fay');
select results_eq(
  $$ select t.success, t.account_id is not null, t.currency, t.credit_limit_amount, t.due_days, t.max_grace_orders, t.version
     from ledger_set_credit_terms(tests.get_supabase_uid('alice'), null, 5000, 14, 2, 'good customer', 'k1') t $$,
  $$ values (true, true, 'USD', 5000::bigint, 14, 2, 1::bigint) $$, 'terms in the default currency');
select is(
  (select t.version from ledger_set_credit_terms(tests.get_supabase_uid('alice'), null, 5000, 14, 2, 'good customer', 'k1') t), 1::bigint,
  'asked again with the same key, it is the same answer');
select results_eq(
  $$ select t.credit_limit_amount, t.due_days, t.max_grace_orders, t.version from ledger_set_credit_terms(tests.get_supabase_uid('alice'), 'usd', 7000) t $$,
  $$ values (7000::bigint, null::integer, null::integer, 2::bigint) $$, 'what is left out is as the settings say');
select is(
  (select t.version from ledger_set_credit_terms(tests.get_supabase_uid('alice'), 'EUR', 100) t), 1::bigint, 'another currency has terms of its own');
select is((select t.credit_limit_amount from ledger_set_credit_terms(tests.get_supabase_uid('ben')) t), null, 'and credit may be none');
select tests.act_as_owner();
select is(ledger.due_days_of((select id from tests.account('alice'))), 30, 'days as the setting invoice_due_days says');
select tests.trust('ben', 10, 0);
select is(ledger.due_days_of((select id from tests.account('ben'))), 0, 'or as the terms say');

select is(tests.orders_and_available('alice'), '0/0', 'an account that was not open is opened, with nothing in it');
select results_eq(
  $$ select t.type, t.amount, t.actor_id from transactions t where t.account_id = (select id from tests.account('alice')) order by t.account_version $$,
  $$ select 'credit_terms_set', 0::bigint, tests.get_supabase_uid('fay') from generate_series(1, 2) $$, 'each change is a transaction of 0');
select results_eq(
  $$ select m -> 'old' -> 'credit_limit_amount', m -> 'new' -> 'credit_limit_amount' from tests.messages('account.credit_terms_set', '{"version": 2, "currency": "USD"}') m
     where m ->> 'user_id' = tests.get_supabase_uid('alice')::text $$,
  $$ values ('5000'::jsonb, '7000'::jsonb) $$, 'and an event with what it was');

-- who sees them
select tests.authenticate_as('alice');
select is((select count(*) from credit_terms), 2::bigint, 'customers see their own');
select tests.authenticate_as('fay');
select is((select count(*) from credit_terms), 3::bigint, 'finance sees all');
select tests.act_as_owner();
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
