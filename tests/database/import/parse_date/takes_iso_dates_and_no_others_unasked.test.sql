-- Dates of an older system: ISO, or the order that the options say; those of the Persian calendar are rejected.
begin;
create temp table samples (text text, options jsonb, result text, n serial);
insert into samples (text, options, result)
select v.text, coalesce(v.options, '{}')::jsonb, v.result
from (values
  ('2024-02-29', null, '2024-02-29 00:00:00+00'), ('2024-02-29T13:05', null, '2024-02-29 13:05:00+00'), ('2024-02-29 13:05:06.5', null, '2024-02-29 13:05:06.5+00'),
  ('2024-02-29T13:05:06Z', null, '2024-02-29 13:05:06+00'), ('2024-02-29T13:05:06+03:30', null, '2024-02-29 09:35:06+00'), ('2024-02-29T13:05:06-05', null, '2024-02-29 18:05:06+00'),
  ('2024-02-29', '{"time_zone": "Asia/Tehran"}', '2024-02-28 20:30:00+00'), ('۲۰۲۴-۰۲-۲۹', null, '2024-02-29 00:00:00+00'),
  ('29/02/2024', null, 'row_date_unreadable'), ('29/02/2024', '{"date_format": "DD/MM/YYYY"}', '2024-02-29 00:00:00+00'), ('02/03/2024', '{"date_format": "DD/MM/YYYY"}', '2024-03-02 00:00:00+00'),
  ('02/03/2024', '{"date_format": "MM/DD/YYYY"}', '2024-02-03 00:00:00+00'), ('12/1/2010 8:26', '{"date_format": "MM/DD/YYYY HH:MI"}', '2010-12-01 08:26:00+00'), ('2024/3/2', '{"date_format": "YYYY/MM/DD"}', '2024-03-02 00:00:00+00'),
  ('2024-03-02', '{"date_format": "DD/MM/YYYY"}', '2024-03-02 00:00:00+00'),
  ('1402/12/10', null, 'row_date_jalali'), ('1402-12-10', null, 'row_date_jalali'), ('۱۴۰۲/۱۲/۱۰', null, 'row_date_jalali'), ('10/12/1402', '{"date_format": "DD/MM/YYYY"}', 'row_date_jalali'), ('۱۰ اسفند ۱۴۰۲', null, 'row_date_jalali'),
  ('2023-02-29', null, 'row_date_unreadable'), ('2024-13-01', null, 'row_date_unreadable'), ('2024-00-10', null, 'row_date_unreadable'), ('2024-01-01 24:00', null, 'row_date_unreadable'), ('2024-01-01 10:60', null, 'row_date_unreadable'),
  ('2024-01-01 10:10:60', null, 'row_date_unreadable'), ('0024-01-01', null, 'row_date_unreadable'), ('24-01-01', null, 'row_date_unreadable'), ('9999-01-01', null, 'row_date_unreadable'), ('2024-01-01+99:00', null, 'row_date_unreadable'), ('2024-01-01 10:00+99:00', null, 'row_date_unreadable'), ('2024-01-01 10:00+03:99', null, 'row_date_unreadable'), ('2024-01-01 10:00-0360', null, 'row_date_unreadable'), ('2024-01-01 10:00+0330', null, '2024-01-01 06:30:00+00'), ('2024-01-01 10:00-03:59', null, '2024-01-01 13:59:00+00'),
  ('45321', null, 'row_date_unreadable'), ('yesterday', null, 'row_date_unreadable'), ('now', null, 'row_date_unreadable'), ('infinity', null, 'row_date_unreadable'), ('', null, 'row_value_missing'), (null, null, 'row_value_missing')) v (text, options, result);
select plan((select count(*)::integer from samples));
select is(coalesce(regexp_replace(to_char(d.at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.FF1'), '\.0$', '') || '+00', d.code), s.result, format('%s with %s', quote_nullable(s.text), s.options))
from samples s cross join lateral ledger.parse_date(s.text, s.options) d
order by s.n;
select * from finish();
rollback;
