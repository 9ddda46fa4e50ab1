/* How an amount is written: digits as 9 of their alphabet, the first run of them as one. */
create function ledger.amount_pattern(p_text text)
returns text
language sql immutable parallel safe
return left(regexp_replace(translate(coalesce(p_text, ''), '0123456789۰۱۲۳۴۵۶۷۸٠١٢٣٤٥٦٧٨', '9999999999۹۹۹۹۹۹۹۹۹٩٩٩٩٩٩٩٩٩'), '^([^9۹٩]*)[9۹٩]+', '\1' || case when p_text ~ '[۰-۹]' then '۹' when p_text ~ '[٠-٩]' then '٩' else '9' end), 60);
comment on function ledger.amount_pattern(text) is 'The pattern of an amount, such as 9,999.99: digits as 9 in their alphabet, the first run of them as one digit.';

/* What a cast to a number would have made of it; null where it would have failed. */
create function ledger.naive_amount(p_text text, p_exponent integer)
returns numeric
language sql immutable parallel safe
return case when p_text ~ '^\s*[-+]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][-+]?[0-9]{1,2})?\s*$' then trim_scale(p_text::numeric * power(10::numeric, p_exponent)) end;
comment on function ledger.naive_amount(text, integer) is 'A text cast to numeric, in minor units; null when the cast fails.';

/*
 * How the amounts of a file are written (source 002, E-A1): each pattern with its share, what of it
 * could be read and what that sums to, in minor units, beside what a cast to a number would have made
 * of the whole column (16.10, R14). At most fifty patterns; the rest is counted as one.
 */
create function ledger.import_amount_patterns(p_run_id uuid, p_field text default 'amount')
returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with rows as (
    select w.row_number, ledger.import_field(w.data, r.options, p_field) as text, c.exponent,
           case when j.row_number is null or j.code = 'row_amount_not_positive' then w.amount end as amount
    from public.import_runs r
    join public.currencies c on c.code = r.currency
    join public.import_rows w on w.run_id = r.id
    left join public.import_rejects j on j.run_id = w.run_id and j.row_number = w.row_number and j.field = p_field
    where r.id = p_run_id),
  patterns as (
    select ledger.amount_pattern(w.text) as pattern, count(*) as rows, count(w.amount) as readable_rows, sum(w.amount) as amount,
           (array_agg(distinct left(w.text, 60)))[1:3] as examples,
           row_number() over (order by count(*) desc, ledger.amount_pattern(w.text)) as place
    from rows w
    group by 1),
  shown as (
    select case when min(p.place) <= 50 then min(p.pattern) end as pattern, sum(p.rows) as rows, sum(p.readable_rows) as readable_rows,
           sum(p.amount) as amount, min(p.place) as place, (jsonb_agg(to_jsonb(p.examples) order by p.place)) -> 0 as examples
    from patterns p
    group by least(p.place, 51)),
  totals as (
    select count(*) as rows, count(w.amount) as readable, coalesce(sum(w.amount), 0) as total,
           sum(ledger.naive_amount(w.text, w.exponent)) as naive_total, count(ledger.naive_amount(w.text, w.exponent)) as naive_rows
    from rows w)
  select jsonb_build_object(
    'rows', t.rows, 'readable', t.readable, 'unreadable', t.rows - t.readable, 'total', t.total,
    'naive_readable', t.naive_rows, 'naive_total', trim_scale(t.naive_total), 'difference', trim_scale(t.total - t.naive_total),
    'patterns', coalesce((
      select jsonb_agg(jsonb_build_object('pattern', s.pattern, 'rows', s.rows, 'share', round(s.rows::numeric / t.rows, 6),
                                          'readable_rows', s.readable_rows, 'amount', s.amount, 'examples', s.examples) order by s.place)
      from shown s), '[]'))
  from totals t;
$$;
comment on function ledger.import_amount_patterns(uuid, text) is
  'Patterns of the amounts of an import, in minor units: {"rows", "readable", "unreadable", "total", "naive_total", "difference", "patterns": [{"pattern", "rows", "share", "readable_rows", "amount", "examples"}]}; the pattern of all that are rarer than the first fifty is null.';
