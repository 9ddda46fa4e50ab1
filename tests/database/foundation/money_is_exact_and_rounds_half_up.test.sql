-- DESIGN rule 1: whole minor units; the one rounding rule, and amounts as people read them.
begin;
select plan(33);
select is(ledger.divide_half_up(dividend, divisor), expected::numeric, format('%s / %s rounds to %s', dividend, divisor, expected)) from (values
  (0, 3, 0), (1, 3, 0), (2, 3, 1), (1, 2, 1), (3, 2, 2), (5, 2, 3), (4, 10, 0), (5, 10, 1), (14, 10, 1), (15, 10, 2), (10, 10, 1),
  (9007199254740991::numeric * 10000, 10000, 9007199254740991), (9007199254740991::numeric * 10000 + 4999, 10000, 9007199254740991), (9007199254740991::numeric * 10000 + 5000, 10000, 9007199254740992)
  ) v (dividend, divisor, expected);
select is(ledger.format_money(amount, currency), expected, format('%s minor units of %s read as %s', amount, currency, expected)) from (values
  (0, 'USD', '0.00 USD'), (5, 'USD', '0.05 USD'), (1234, 'USD', '12.34 USD'), (-1234, 'USD', '-12.34 USD'), (-5, 'USD', '-0.05 USD'), (1234, 'JPY', '1234 JPY'), (1234, 'IQD', '1.234 IQD'),
  (9007199254740991, 'USD', '90071992547409.91 USD'), (9007199254740991, 'JPY', '9007199254740991 JPY'), (-9007199254740991, 'JPY', '-9007199254740991 JPY')) v (amount, currency, expected);
select is(ledger.format_money(1, 'XXX'), null, 'an amount of an unknown currency is not written at all');

-- no table keeps an amount in anything but bigint, and each is within 2^53 - 1
select is_empty($$ select c.relname || '.' || a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid
                   where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v') and a.attnum > 0
                     and (a.attname ~ '(_amount|_balance|^amount|^total_|balance_after|^price|amount_due)$' or a.attname ~ '^total_')
                     and a.atttypid <> 'bigint'::regtype $$, 'every amount is a bigint');
select is_empty($$ select c.relname || '.' || a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid
                   where c.relnamespace in ('public'::regnamespace, 'ledger'::regnamespace) and c.relkind in ('r', 'p') and a.attnum > 0
                     and a.atttypid in ('numeric'::regtype, 'real'::regtype, 'double precision'::regtype, 'money'::regtype)
                     and (c.relname, a.attname) not in (('rate_limits', 'refill_per_second'), ('rate_limit_buckets', 'tokens')) $$,
  'no table has a column of a fractional type, except the tokens of the rate limits');
select results_eq('select code, exponent::int from public.currencies where code in (''IQD'', ''JPY'', ''USD'') order by code', $$ values ('IQD', 3), ('JPY', 0), ('USD', 2) $$,
  'JPY has no decimals, USD two, IQD three');
select throws_ok($$ insert into public.currencies values ('usd', 'x', 2) $$, '23514', null, 'a currency code is three capitals');
select throws_ok($$ insert into public.currencies values ('ABC', 'x', 5) $$, '23514', null, 'an exponent beyond 4 is refused');
select throws_ok($$ insert into public.currencies values ('ABC', 'x', -1) $$, '23514', null, 'a negative exponent is refused');
select tests.create_customer('ann', 9007199254740991);
select is((select available_balance from public.accounts where user_id = tests.get_supabase_uid('ann')), 9007199254740991::bigint, 'an account can hold 2^53 - 1');
select is(tests.outcome_as('service_role', format('select * from public.ledger_credit_account(%L, 1)', tests.get_supabase_uid('ann'))), 'amount_too_large', 'and not one more');
select * from finish();
rollback;
