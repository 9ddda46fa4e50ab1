begin;
select plan(24);

select tests.create_customer('alice', 1000);
select tests.create_customer('rich', 9007199254740000);
select tests.create_staff(r.role, r.role) from unnest(array['admin', 'finance', 'warehouse', 'logistics', 'vendor']) r (role);

select is(tests.outcome(null, format('ledger_credit_account(%s)', replace(c.arguments, 'alice', quote_literal(tests.get_supabase_uid('alice'))))),
  c.expected, format('%s: %s', c.arguments, c.expected))
from (values
  ('null, 1', 'customer_required'), ('gen_random_uuid(), 1', 'customer_not_found'),
  ('alice, 0', 'invalid_amount'), ('alice, -1', 'invalid_amount'), ('alice, null', 'invalid_amount'),
  ('alice, -1, ''bonus''', 'invalid_amount'), ('alice, 0, ''adjustment''', 'invalid_amount'),
  ('alice, 9007199254740992', 'amount_too_large'), ('alice, 9223372036854775807', 'amount_too_large'),
  ('alice, -9223372036854775808, ''adjustment''', 'amount_too_large'),
  ('alice, 1, ''gift''', 'invalid_argument'), ('alice, 1, null', 'invalid_argument'), ('alice, 1, ''Deposit''', 'invalid_argument'),
  ('alice, 1, p_notes => repeat(''x'', 2001)', 'invalid_argument'), ('alice, 1, p_metadata => ''[]''', 'invalid_argument'),
  ('alice, 1, p_metadata => jsonb_build_object(''x'', repeat(''x'', 17000))', 'invalid_argument'),
  ('alice, 1, p_currency => ''dollars''', 'unknown_currency'),
  ('alice, 1, p_notes => repeat(''x'', 2000)', 'success')) c (arguments, expected);

select is(
  tests.outcome(null, format('ledger_credit_account(%L, 1000)', tests.get_supabase_uid('rich'))), 'amount_too_large',
  'a credit that would take the total beyond 2^53 - 1 is refused (DESIGN section 4, rule 1)');
select is(
  tests.outcome(null, format('ledger_credit_account(%L, 991)', tests.get_supabase_uid('rich'))), 'success', 'one up to it is taken');

select results_eq(
  $$ select r.role, tests.outcome(r.role, format('ledger_credit_account(%L, 1)', tests.get_supabase_uid('alice'))),
            tests.outcome(r.role, format('ledger_credit_account(%L, 1, ''adjustment'')', tests.get_supabase_uid('alice')))
     from unnest(array['admin', 'finance', 'warehouse', 'logistics', 'vendor', 'alice']) r (role) $$,
  $$ values ('admin', 'success', 'success'), ('finance', 'success', '42501'), ('warehouse', '42501', '42501'), ('logistics', '42501', '42501'),
            ('vendor', '42501', '42501'), ('alice', '42501', '42501') $$,
  'admin and finance credit, only an admin adjusts, nobody else does either (DESIGN section 5: staff only)');
select is(tests.orders_and_available('alice'), '0/1000', 'nothing was credited');

select is(
  (select array[count(*), count(distinct c.transaction_id)]
   from unnest(array[5, 5, 5]) amount, ledger_credit_account(tests.get_supabase_uid('alice'), amount, p_idempotency_key => 'k1') c),
  array[3, 1]::bigint[], 'a key that is repeated credits once');
select is(tests.orders_and_available('alice'), '0/1005', 'and once only');

select * from finish();
rollback;
