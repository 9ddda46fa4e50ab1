-- Source 002, E-A1: amounts as text fields hold them, in several alphabets; nothing is guessed.
begin;
create temp table samples (text text, currency text, options jsonb, result text, n serial);
insert into samples (text, currency, options, result)
select v.text, v.currency, coalesce(v.options, '{}')::jsonb, v.result
from (values
  ('1234', 'USD', null, '123400'), ('0', 'USD', null, '0'), ('007', 'JPY', null, '7'), (' 12.5 ', 'USD', null, '1250'), ('12.50', 'USD', null, '1250'), ('.5', 'USD', null, '50'),
  ('12.5000', 'USD', null, '1250'), ('12.501', 'USD', null, 'row_amount_ambiguous'), ('0.501', 'USD', null, 'row_amount_too_precise'), ('12.5011', 'USD', null, 'row_amount_too_precise'),
  ('1234.567', 'IQD', null, '1234567'), ('12.5', 'JPY', null, 'row_amount_too_precise'), ('12.0', 'JPY', null, '12'),
  -- Persian and Arabic
  ('۱۲۳۴', 'USD', null, '123400'), ('١٢٣٤', 'USD', null, '123400'), ('۱۲٫۵', 'USD', null, '1250'), ('۱٬۲۳۴٫۵۶', 'USD', null, '123456'), ('١٬٢٣٤', 'IQD', null, '1234000'),
  ('۱۲،۳۴۵،۶۷۸', 'USD', null, '1234567800'), ('۱٫۲۳۴', 'IQD', null, '1234'), ('۱٫۲٫۳', 'USD', null, 'row_amount_not_numeric'),
  -- separators
  ('1,234', 'USD', null, '123400'), ('1,234', 'JPY', null, '1234'), ('1,234', 'IQD', null, 'row_amount_ambiguous'), ('1.234', 'USD', null, 'row_amount_ambiguous'), ('1.234', 'JPY', null, 'row_amount_ambiguous'),
  ('1,234', 'IQD', '{"decimal_separator": "."}', '1234000'), ('1,234', 'IQD', '{"decimal_separator": ","}', '1234'), ('1.234', 'USD', '{"decimal_separator": ","}', '123400'),
  ('1.234', 'USD', '{"decimal_separator": "."}', 'row_amount_too_precise'), ('1,234', 'USD', '{"decimal_separator": ","}', 'row_amount_too_precise'),
  ('1,234.56', 'USD', null, '123456'), ('1.234,56', 'USD', null, '123456'), ('1.234,56', 'USD', '{"decimal_separator": "."}', 'row_amount_ambiguous'), ('12,5', 'USD', null, '1250'),
  ('1,234,567', 'USD', null, '123456700'), ('1.234.567', 'USD', null, '123456700'), ('1.234.567', 'USD', '{"decimal_separator": "."}', 'row_amount_ambiguous'),
  ('1 234 567,89', 'EUR', null, '123456789'), ('1'' 234', 'EUR', null, 'row_amount_not_numeric'), ('1''234.50', 'EUR', null, '123450'), (U&'1\202f234,50', 'EUR', null, '123450'),
  ('1,23,456', 'USD', null, 'row_amount_not_numeric'), ('12,34.5', 'USD', null, 'row_amount_not_numeric'), ('1.234,567.8', 'USD', null, 'row_amount_not_numeric'), ('0,123', 'USD', null, 'row_amount_too_precise'), ('1234,567', 'IQD', null, '1234567'),
  ('12.', 'USD', null, 'row_amount_not_numeric'), ('1..2', 'USD', null, 'row_amount_not_numeric'), (',', 'USD', null, 'row_amount_not_numeric'),
  -- signs
  ('-12.5', 'USD', null, '-1250'), ('12.5-', 'USD', null, '-1250'), ('(12.5)', 'USD', null, '-1250'), ('−3', 'USD', null, '-300'), ('+3', 'USD', null, '300'), ('--3', 'USD', null, 'row_amount_not_numeric'), ('(-3)', 'USD', null, 'row_amount_not_numeric'),
  -- currencies
  ('$12.50', 'USD', null, '1250'), ('12.50 USD', 'USD', null, '1250'), ('-$3', 'USD', null, '-300'), ('USD 1,234.50', 'USD', null, '123450'), ('usd12', 'USD', null, '1200'), ('12 EUR', 'USD', null, 'row_amount_of_other_currency'),
  ('€12', 'USD', null, 'row_amount_of_other_currency'), ('£12', 'GBP', null, '1200'), ('۱۲۰۰ ریال', 'IRR', null, '120000'), ('۱۲۰۰ تومان', 'IRR', null, '1200000'), ('1,200 Toman', 'IRR', null, 'row_amount_ambiguous'), ('1,200 Toman', 'IRR', '{"decimal_separator": "."}', '1200000'), ('1,234 Toman', 'IRR', '{"decimal_separator": ","}', '1234'), ('1,200.5 Toman', 'IRR', null, '1200500'), ('1,200 ریال', 'IRR', null, '120000'),
  ('۱۲۰۰ تومان', 'USD', null, 'row_amount_of_other_currency'), ('$.50', 'USD', null, '50'), ('USD.500', 'USD', null, 'row_amount_ambiguous'), ('USD. 500', 'USD', null, '50000'), ('12 apples', 'USD', null, 'row_amount_not_numeric'), ('ABC', 'USD', null, 'row_amount_not_numeric'), ('12 $ 13', 'USD', null, 'row_amount_not_numeric'), ('$12 USD', 'USD', null, 'row_amount_not_numeric'),
  -- exponents, nothing, too much
  ('1.2E+3', 'USD', null, 'row_amount_not_exact'), ('1.2E+3', 'USD', '{"accept_exponent": true}', '120000'), ('1.234e3', 'USD', '{"accept_exponent": true}', '123400'), ('5e-3', 'USD', '{"accept_exponent": true}', 'row_amount_too_precise'),
  ('1,234E+5', 'USD', '{"accept_exponent": true}', 'row_amount_ambiguous'), ('1,234E+5', 'USD', '{"accept_exponent": true, "decimal_separator": ","}', '12340000'), ('1,234E+5', 'USD', '{"accept_exponent": true, "decimal_separator": "."}', 'row_amount_ambiguous'),
  ('1.234E+5', 'USD', '{"accept_exponent": true, "decimal_separator": ","}', 'row_amount_ambiguous'), ('1.234E+5', 'USD', '{"accept_exponent": true}', '12340000'), ('1,2E+5', 'USD', '{"accept_exponent": true}', '12000000'), ('1,234E+5', 'JPY', '{"accept_exponent": true}', 'row_amount_ambiguous'),
  (null, 'USD', null, 'row_value_missing'), ('', 'USD', null, 'row_value_missing'), (E' \t ', 'USD', null, 'row_value_missing'), ('N/A', 'USD', null, 'row_amount_not_numeric'), ('-', 'USD', null, 'row_amount_not_numeric'), ('NaN', 'USD', null, 'row_amount_not_numeric'), ('Infinity', 'USD', null, 'row_amount_not_numeric'),
  ('90071992547409.91', 'USD', null, '9007199254740991'), ('90071992547409.92', 'USD', null, 'row_amount_too_large'), ('9007199254740991', 'JPY', null, '9007199254740991'), ('999999999999999', 'IQD', null, 'row_amount_too_large'),
  (repeat('9', 99), 'USD', null, 'row_amount_too_large'), (repeat('9', 101), 'USD', null, 'row_amount_not_numeric'), ('9e99', 'USD', '{"accept_exponent": true}', 'row_amount_too_large'), ('0x10', 'USD', null, 'row_amount_not_numeric'), ('1_000', 'USD', null, 'row_amount_not_numeric'),
  ('1; drop table payments', 'USD', null, 'row_amount_not_numeric'), ('12/5', 'USD', null, 'row_amount_not_numeric'), ('10%', 'USD', null, 'row_amount_not_numeric')) v (text, currency, options, result);

select plan((select count(*)::integer from samples) + 3);
select is(coalesce(a.amount::text, a.code), s.result, format('%s in %s%s', quote_nullable(left(s.text, 40)), s.currency, case when s.options <> '{}' then ' with ' || s.options::text end))
from samples s
join public.currencies c on c.code = s.currency
cross join lateral ledger.parse_amount(s.text, s.currency, c.exponent, s.options) a
order by s.n;
select is_empty($$ select s.text from samples s join public.currencies c on c.code = s.currency cross join lateral ledger.parse_amount(s.text, s.currency, c.exponent, s.options) a
                   where (a.amount is null) = (a.code is null) or a.code not in (select code from public.error_codes) $$,
  'each is an amount or a known code, never both and never neither');
select is(array(select ledger.amount_pattern(t) from unnest('{1234.50,"1,234.50",۱۲۳۴,"١٬٢٣٤","$12",N/A}'::text[]) t),
  '{9.99,"9,999.99",۹,"٩٬٩٩٩","$9",N/A}'::text[], 'patterns show digits as 9 of their alphabet');
select is(array(select ledger.naive_amount(t, 2)::text from unnest('{12.5,"1,234",1.234,N/A,1e3}'::text[]) t),
  array['1250', null, '123.4', null, '100000'], 'a cast reads some, and some of these wrongly');
select * from finish();
rollback;
