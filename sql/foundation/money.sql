/*
 * Half-up division of non-negative amounts: the one rounding rule of taxes, discounts and commissions.
 *
 * Here and elsewhere: a small function of one expression is written with `return`. Its names are
 * resolved when it is created, so it needs no search_path, and the planner puts the expression in
 * place of the call.
 */
create function ledger.divide_half_up(p_dividend numeric, p_divisor numeric)
returns numeric
language sql immutable strict parallel safe
return div(p_dividend * 2 + p_divisor, p_divisor * 2);
comment on function ledger.divide_half_up(numeric, numeric) is
  'Integer quotient rounded half up, for non-negative dividends and positive divisors.';

/* 1234 USD as "12.34 USD": for messages to people only. */
create function ledger.format_money(p_amount bigint, p_currency text)
returns text
language sql stable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select trim(to_char(p_amount / power(10::numeric, c.exponent),
                      'FM999999999999999990' || case when c.exponent > 0 then '.' || repeat('0', c.exponent) else '' end))
         || ' ' || c.code
  from public.currencies c
  where c.code = p_currency;
$$;
comment on function ledger.format_money(bigint, text) is 'An amount in minor units as text for people, such as "12.34 USD".';
