begin;
select plan(19);

select tests.create_customer('alice', 5000);
select tests.create_customer('poor');
select tests.create_staff(r.role, r.role) from unnest(array['admin', 'finance', 'warehouse']) r (role);

select is(tests.outcome('alice', format('ledger_request_withdrawal(%s)', c.arguments)), c.expected, format('%s: %s', c.arguments, c.expected))
from (values
  ('5000, ''{"iban": "x"}''', 'success'), ('5001, ''{"iban": "x"}''', 'insufficient_funds'),
  ('0, ''{"iban": "x"}''', 'invalid_amount'), ('-1, ''{"iban": "x"}''', 'invalid_amount'), ('null, ''{"iban": "x"}''', 'invalid_amount'),
  ('9007199254740992, ''{"iban": "x"}''', 'amount_too_large'),
  ('1, null', 'invalid_argument'), ('1, ''{}''', 'invalid_argument'), ('1, ''[]''', 'invalid_argument'), ('1, ''"iban"''', 'invalid_argument'),
  ('1, jsonb_build_object(''iban'', repeat(''x'', 5000))', 'invalid_argument'),
  ('1, ''{"iban": "x"}'', p_notes => repeat(''x'', 2001)', 'invalid_argument'),
  ('1, ''{"iban": "x"}'', ''JPY''', 'account_not_found'), ('1, ''{"iban": "x"}'', ''usd''', 'success')) c (arguments, expected);
select is(
  tests.outcome('poor', $$ ledger_request_withdrawal(1, '{"iban": "x"}') $$), 'account_not_found',
  'a customer without an account is told so, not that there is nothing (DESIGN section 4, rule 9)');
select is(tests.outcome(null, $$ ledger_request_withdrawal(1, '{"iban": "x"}') $$), 'customer_required', 'a backend says for whom');
select results_eq(
  $$ select r.role, tests.outcome(r.role, format('ledger_request_withdrawal(1, ''{"iban": "x"}'', p_user_id => %L)', tests.get_supabase_uid('alice')))
     from unnest(array['admin', 'finance', 'warehouse', 'poor']) r (role) $$,
  $$ values ('admin', 'success'), ('finance', 'success'), ('warehouse', '42501'), ('poor', '42501') $$,
  'for a customer only those with withdrawals.review ask');

update rate_limits set capacity = 2, refill_per_second = 0.001 where procedure = 'ledger_request_withdrawal';
select tests.authenticate_as('alice');
select is(
  (select array_agg(coalesce(w.error_code, 'held') order by n) from generate_series(1, 3) n, ledger_request_withdrawal(n, '{"iban": "x"}') w),
  '{held,held,rate_limited}', 'a third call beyond a limit of two is refused');
select tests.act_as_owner();
select is((select total_pending_withdrawals from tests.account('alice')), 3::bigint, 'only what was granted is held');

select * from finish();
rollback;
