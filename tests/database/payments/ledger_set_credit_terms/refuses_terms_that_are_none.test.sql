begin;
select plan(19);

select tests.create_customer('alice');
create temp table gone as select tests.create_customer('gone') as id;
grant select on gone to authenticated;
select tests.create_staff(r, r) from unnest(array['finance', 'warehouse']) r;
select tests.expect_success(c) from ledger_credit_account((select id from gone), 1) c;
select tests.expect_success(c) from ledger_credit_account((select id from gone), -1, 'adjustment') c;
select tests.expect_success(e) from profile_erase((select id from gone)) e;

select is(tests.outcome(w.who, $$ ledger_set_credit_terms(tests.get_supabase_uid('alice'), 'USD', 1000) $$), w.outcome, format('%s: %s', w.who, w.outcome))
from (values ('alice', '42501'), ('warehouse', '42501'), ('finance', 'success')) w (who, outcome);

select is(tests.outcome('finance', format('ledger_set_credit_terms(%s)', a.arguments)), a.outcome, format('%s: %s', a.arguments, a.outcome))
from (values
  ('null', 'customer_required'),
  ('gen_random_uuid()', 'customer_not_found'),
  ('tests.get_supabase_uid(''alice''), ''XXX''', 'unknown_currency'),
  ('tests.get_supabase_uid(''alice''), ''''', 'unknown_currency'),
  ('tests.get_supabase_uid(''alice''), ''USD'', -1', 'invalid_amount'),
  ('tests.get_supabase_uid(''alice''), ''USD'', 9007199254740992', 'amount_too_large'),
  ('tests.get_supabase_uid(''alice''), ''USD'', 9007199254740991', 'success'),
  ('tests.get_supabase_uid(''alice''), ''USD'', 1000, -1', 'invalid_argument'),
  ('tests.get_supabase_uid(''alice''), ''USD'', 1000, 366', 'invalid_argument'),
  ('tests.get_supabase_uid(''alice''), ''USD'', 1000, 30, -1', 'invalid_argument'),
  ('tests.get_supabase_uid(''alice''), ''USD'', 1000, 30, 1001', 'invalid_argument'),
  ('tests.get_supabase_uid(''alice''), ''USD'', 1000, 30, 1, repeat(''x'', 2001)', 'invalid_argument'),
  ('(select id from gone), ''USD'', 1000', 'customer_not_found'),
  ('(select id from gone), ''EUR'', 1000', 'customer_not_found')) a (arguments, outcome);

select is_empty('select from credit_terms', 'nothing of it stays');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
