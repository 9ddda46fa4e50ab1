/* Options by name, of all kinds: the kinds that are imported from one file take each what it understands. */
create function ledger.import_option_names()
returns text[]
language sql immutable
return '{currency,columns,decimal_separator,accept_exponent,date_format,time_zone,external_id_prefix,method,methods,statuses,
         words,order_number_prefix,cancellation_prefix,default_status,default_payment_status,default_payment_method,guest_customer,
         prices_include_tax,tax_rate_bp,refunds,stock,broken_orders}'::text[];
comment on function ledger.import_option_names() is 'The options that imports know.';

/*
 * The refusal for options that cannot be meant, or that nobody knows: where they decide how money is read,
 * a misspelling is no decision.
 */
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
    else coalesce(ledger.problem_of_names(p_options), ledger.problem_of_reading(p_options), ledger.problem_of_kinds(p_options))
  end;
  return case when v_problem is not null then
    ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_options', 'problem', v_problem)) end;
end $$;
comment on function ledger.refuse_import_options(jsonb) is 'The refusal for options of an import that have no meaning, or null.';

create function ledger.problem_of_names(p_options jsonb)
returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select format('there is no option %s; known: %s', left(o.key, 60), array_to_string(ledger.import_option_names(), ', '))
  from jsonb_object_keys(p_options) o (key)
  where o.key <> all (ledger.import_option_names())
  order by o.key
  limit 1;
$$;
comment on function ledger.problem_of_names(jsonb) is 'What is wrong with the names of options, or null.';

/* What decides how a file is read, of whatever kind. */
create function ledger.problem_of_reading(p_options jsonb)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
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
end $$;
comment on function ledger.problem_of_reading(jsonb) is 'What is wrong with the options of every kind, or null.';

/* What only some kinds ask for. */
create function ledger.problem_of_kinds(p_options jsonb)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_known record;
begin
  -- one of these, or texts that each mean one of these
  for v_known in
    select k.option, k.words
    from (values
      ('method', '{bank_transfer,card,cash,other}'::text[]), ('methods', '{bank_transfer,card,cash,other}'),
      ('statuses', '{unpaid,partial,paid}'), ('default_status', ledger.order_statuses()),
      ('default_payment_status', '{paid,unpaid,partially_paid}'), ('default_payment_method', '{bank_transfer,card,cash,invoice,other}'),
      ('refunds', '{paid_out,wallet,pending}'), ('stock', '{keep,take}'), ('broken_orders', '{reject,claim}'), ('prices_include_tax', '{true,false}')) k (option, words)
    where p_options ? k.option
  loop
    if v_known.option in ('methods', 'statuses') then
      if jsonb_typeof(p_options -> v_known.option) <> 'object'
         or exists (select from jsonb_each_text(p_options -> v_known.option) w where coalesce(lower(w.value) <> all (v_known.words), true)) then
        return format('%s is an object {text: %s}', v_known.option, array_to_string(v_known.words, ' or '));
      end if;
    elsif coalesce(p_options ->> v_known.option <> all (v_known.words), true) then
      return format('%s is %s', v_known.option, array_to_string(v_known.words, ' or '));
    end if;
  end loop;

  return case
    when p_options ? 'tax_rate_bp' and coalesce(p_options ->> 'tax_rate_bp' !~ '^([0-9]{1,4}|10000)$', true) then 'tax_rate_bp is a number from 0 to 10000'
    when exists (select from jsonb_each(p_options) o
                 where o.key in ('external_id_prefix', 'order_number_prefix', 'cancellation_prefix', 'guest_customer')
                   and (jsonb_typeof(o.value) <> 'string' or length(o.value #>> '{}') not between 1 and case o.key when 'guest_customer' then 200 else 50 end)) then
      'prefixes are texts of 1 to 50 characters, guest_customer is the name of a customer'
    when p_options ? 'words' and (jsonb_typeof(p_options -> 'words') <> 'object'
         or exists (select from jsonb_each(p_options -> 'words') w where jsonb_typeof(w.value) <> 'object')) then
      'words is an object {field: {text: word}}'
  end;
end $$;
comment on function ledger.problem_of_kinds(jsonb) is 'What is wrong with the options that only some kinds ask for, or null.';

/* DD/MM/YYYY as DMY; null when it is no order of day, month and year. */
create function ledger.order_of_date(p_format text)
returns text
language sql immutable parallel safe
return case upper(regexp_replace(p_format, '\s.*$', ''))
         when 'DD/MM/YYYY' then 'DMY' when 'DD.MM.YYYY' then 'DMY' when 'DD-MM-YYYY' then 'DMY'
         when 'MM/DD/YYYY' then 'MDY' when 'MM.DD.YYYY' then 'MDY' when 'MM-DD-YYYY' then 'MDY'
         when 'YYYY/MM/DD' then 'YMD' when 'YYYY.MM.DD' then 'YMD' when 'YYYY-MM-DD' then 'YMD' end;
comment on function ledger.order_of_date(text) is 'The order of day, month and year in a date format: DMY, MDY or YMD; null for any other.';
