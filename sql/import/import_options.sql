/* The refusal for options that cannot be meant; each kind may have options of its own beside these. */
create function ledger.refuse_import_options(p_options jsonb)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_problem text;
begin
  v_problem := case
    when jsonb_typeof(p_options) <> 'object' or octet_length(p_options::text) > 16384 then 'an object of at most 16 KB'
    when jsonb_typeof(coalesce(p_options -> 'columns', '{}')) <> 'object' then 'columns is an object {field: column name}'
    when exists (select from jsonb_each(coalesce(p_options -> 'columns', '{}')) c where jsonb_typeof(c.value) <> 'string') then
      'each of columns names a column'
    when p_options ? 'decimal_separator' and coalesce(p_options ->> 'decimal_separator' not in ('.', ','), true) then
      'decimal_separator is "." or ","'
    when jsonb_typeof(coalesce(p_options -> 'accept_exponent', 'false')) <> 'boolean' then 'accept_exponent is true or false'
    when p_options ? 'date_format' and ledger.order_of_date(p_options ->> 'date_format') is null then
      'date_format is one like DD/MM/YYYY, MM/DD/YYYY or YYYY/MM/DD'
    when p_options ? 'time_zone' and not exists (
      select from pg_catalog.pg_timezone_names z where z.name = p_options ->> 'time_zone') then
      'time_zone is a name such as Asia/Tehran'
  end;
  return case when v_problem is not null then
    ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_options', 'problem', v_problem)) end;
end $$;
comment on function ledger.refuse_import_options(jsonb) is 'The refusal for options of an import that have no meaning, or null.';

/* DD/MM/YYYY as DMY; null when it is no order of day, month and year. */
create function ledger.order_of_date(p_format text)
returns text
language sql immutable parallel safe
return case upper(regexp_replace(p_format, '\s.*$', ''))
         when 'DD/MM/YYYY' then 'DMY' when 'DD.MM.YYYY' then 'DMY' when 'DD-MM-YYYY' then 'DMY'
         when 'MM/DD/YYYY' then 'MDY' when 'MM.DD.YYYY' then 'MDY' when 'MM-DD-YYYY' then 'MDY'
         when 'YYYY/MM/DD' then 'YMD' when 'YYYY.MM.DD' then 'YMD' when 'YYYY-MM-DD' then 'YMD' end;
comment on function ledger.order_of_date(text) is 'The order of day, month and year in a date format: DMY, MDY or YMD; null for any other.';
