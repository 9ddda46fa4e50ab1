create type ledger.parsed_date as (
  at timestamptz,
  code text
);
comment on type ledger.parsed_date is 'A point in time, or the code of why a text is none.';

/*
 * Reads a date, with a time or without, in ISO form, or in the order that options.date_format says;
 * without a zone it is one of options.time_zone (UTC). A year like 1402 is one of the Persian calendar,
 * and is rejected as such.
 */
create function ledger.parse_date(p_text text, p_options jsonb default '{}')
returns ledger.parsed_date
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_parts text[];
  v_order text;
  v_year integer;
  v_month integer;
  v_day integer;
  v_second double precision;
  v_text text := btrim(ledger.latin_digits(p_text));
begin
  if coalesce(v_text, '') = '' then
    return row(null, 'row_value_missing')::ledger.parsed_date;
  elsif v_text ~ '(فروردین|اردیبهشت|خرداد|تیر|مرداد|شهریور|مهر|آبان|آذر|دی|بهمن|اسفند)' then
    return row(null, 'row_date_jalali')::ledger.parsed_date;
  end if;
  v_parts := regexp_match(v_text, '^(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})(?:[T ]\s*(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d{1,9})?))?\s*(Z|[-+]\d{2}:?\d{2}|[-+]\d{2})?)?$');
  v_order := case when v_parts[2] = '-' and length(v_parts[1]) = 4 then 'YMD' else ledger.order_of_date(p_options ->> 'date_format') end;
  if v_parts is null then
    return row(null, 'row_date_unreadable')::ledger.parsed_date;
  elsif greatest(case when length(v_parts[1]) = 4 then v_parts[1]::integer end, case when length(v_parts[4]) = 4 then v_parts[4]::integer end)
        between 1200 and 1599 then
    return row(null, 'row_date_jalali')::ledger.parsed_date;
  elsif v_order is null then
    return row(null, 'row_date_unreadable')::ledger.parsed_date;
  end if;
  v_year := (case when v_order = 'YMD' then v_parts[1] else v_parts[4] end)::integer;
  v_month := (case when v_order = 'MDY' then v_parts[1] else v_parts[3] end)::integer;
  v_day := (case v_order when 'DMY' then v_parts[1] when 'MDY' then v_parts[3] else v_parts[4] end)::integer;
  v_second := coalesce(v_parts[7], '0')::double precision;
  if v_year not between 1900 and 2199 or v_month not between 1 and 12 or v_day < 1
     or v_day > extract(day from make_date(v_year, v_month, 1) + interval '1 month' - interval '1 day')
     or coalesce(v_parts[5]::integer > 23, false) or coalesce(v_parts[6]::integer > 59, false) or v_second >= 60
     or coalesce(nullif(substring(v_parts[8] from 2 for 2), '')::integer > 14, false)
     or coalesce(substring(v_parts[8] from '^.{3}:?(\d{2})$')::integer > 59, false) then
    return row(null, 'row_date_unreadable')::ledger.parsed_date;
  end if;
  return row(make_timestamptz(v_year, v_month, v_day, coalesce(v_parts[5]::integer, 0), coalesce(v_parts[6]::integer, 0), v_second,
                              coalesce(replace(v_parts[8], 'Z', 'UTC'), p_options ->> 'time_zone', 'UTC')), null)::ledger.parsed_date;
end $$;
comment on function ledger.parse_date(text, jsonb) is
  'Reads an ISO date or time, or one in the order of options.date_format; without a zone in options.time_zone (UTC). Else a code: row_value_missing, row_date_jalali, row_date_unreadable.';

/* Nothing was paid or invoiced before there was this kind of time, or in the future. */
create function ledger.refuse_import_time(p_at timestamptz)
returns text
language sql volatile
return case when p_at not between timestamptz '1970-01-02 00:00:00+00' and clock_timestamp() then 'row_date_out_of_range' end;
comment on function ledger.refuse_import_time(timestamptz) is 'row_date_out_of_range for a time at which nothing imported can have happened, or null.';
