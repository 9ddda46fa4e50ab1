begin;
select plan(21);

select tests.create_variant('mug', stock => 10);
select tests.create_customer('alice');
select tests.create_staff(r.role, r.role) from unnest(array['admin', 'finance', 'warehouse', 'logistics', 'vendor']) r (role);

select is(tests.outcome(null, format('ledger_adjust_stock(%s)', replace(c.arguments, 'mug', quote_literal(tests.get_variant_id('mug'))))),
  c.expected, format('%s: %s', c.arguments, c.expected))
from (values
  ('mug, -10, ''damaged''', 'success'), ('mug, -11, ''damaged''', 'stock_below_zero'), ('mug, -11, ''counted''', 'stock_below_zero'),
  ('mug, 0', 'invalid_amount'), ('mug, null', 'invalid_amount'), ('mug, -1', 'invalid_amount'), ('mug, 1, ''damaged''', 'invalid_amount'),
  ('mug, 0, ''counted''', 'invalid_amount'),
  ('mug, 1, ''found''', 'invalid_argument'), ('mug, 1, null', 'invalid_argument'), ('mug, 1, p_notes => repeat(''x'', 2001)', 'invalid_argument'),
  ('gen_random_uuid(), 1', 'invalid_argument'), ('null, 1', 'invalid_argument'),
  ('mug, 9007199254740992', 'amount_too_large'), ('mug, 9007199254740991', 'stock_too_large'), ('mug, 999999999991', 'stock_too_large'), ('mug, 999999999990', 'success'),
  ('mug, -9223372036854775808, ''counted''', 'amount_too_large')) c (arguments, expected);
select results_eq(
  $$ select error_message from ledger_adjust_stock(tests.get_variant_id('mug'), -11, 'damaged') $$,
  $$ values ('Taking 11 of "Variant mug" would leave less than nothing: 10 available.') $$, 'the message carries the numbers');
select results_eq(
  $$ select r.role, tests.outcome(r.role, format('ledger_adjust_stock(%L, 1)', tests.get_variant_id('mug')))
     from unnest(array['admin', 'finance', 'warehouse', 'logistics', 'vendor', 'alice']) r (role) $$,
  $$ values ('admin', 'success'), ('finance', '42501'), ('warehouse', 'success'), ('logistics', '42501'), ('vendor', '42501'), ('alice', '42501') $$,
  'only those with stock.adjust change stock');
select is(tests.stock('mug'), 10::bigint, 'the stock is as it was');

select * from finish();
rollback;
