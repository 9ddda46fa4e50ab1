/* What a currency is called in files. A word may stand for several; the toman is ten rials. */
create function ledger.currency_of_word(p_word text, p_currency text, out is_known boolean, out factor integer)
returns record
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_word text := upper(regexp_replace(p_word, '[\s\u200c._-]', '', 'g'));
  v_meant text[];
begin
  factor := 1;
  if v_word = p_currency then
    is_known := true;
    return;
  end if;
  v_meant := case
    when v_word in ('ریال', 'ريال', '﷼', 'RIAL', 'RIALS', 'RLS') then '{IRR}'
    when v_word in ('تومان', 'تومن', 'TOMAN', 'TOMANS', 'IRT') then '{IRR}'
    when v_word in ('$', 'US$', 'DOLLAR', 'DOLLARS', 'دلار') then '{USD,CAD,AUD,NZD,SGD,HKD,MXN}'
    when v_word in ('€', 'EURO', 'EUROS', 'یورو') then '{EUR}'
    when v_word in ('£', 'POUND', 'POUNDS') then '{GBP}'
    when v_word in ('¥', '円') then '{JPY,CNY}'
    when v_word in ('₹', 'RS') then '{INR}'
    when v_word in ('₺', 'TL') then '{TRY}'
    when v_word in ('دینار', 'دينار', 'دع') then '{IQD,KWD,BHD,JOD}'
    when v_word in ('درهم', 'دإ') then '{AED}'
    else (select array[c.code] from public.currencies c where c.code = v_word)
  end;
  is_known := v_meant is not null;
  factor := case when p_currency <> all (v_meant) or (v_word = 'US$' and p_currency <> 'USD') then 0
                 when v_word in ('تومان', 'تومن', 'TOMAN', 'TOMANS', 'IRT') then 10 else 1 end;
end $$;
comment on function ledger.currency_of_word(text, text) is
  'Whether a word or sign is that of a currency, and how many units of p_currency one of it is: 1, 10 for the toman in IRR, 0 when it is another currency''s.';

create function ledger.latin_digits(p_text text)
returns text
language sql immutable strict parallel safe
return translate(p_text, '۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩', '01234567890123456789');
comment on function ledger.latin_digits(text) is 'A text with Persian and Arabic digits as 0 to 9.';

/*
 * Which of the separators in a number is the decimal one: '' for none, null when it can be read two
 * ways, '!' when it can be read in no way. p_body: digits and separators; p_decimal: what the run's
 * options say, or null.
 */
create function ledger.decimal_mark(p_body text, p_decimal text, p_exponent integer)
returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_marks text := regexp_replace(p_body, '[0-9]', '', 'g');
  v_last text := right(v_marks, 1);
  v_others text := left(v_marks, -1);
  v_may_group boolean;
  v_may_be_decimal boolean;
begin
  if v_marks = '' then
    return '';
  end if;
  -- grouped before the last mark by one kind of mark and in threes, or not at all
  v_may_be_decimal := v_last in ('.', ',', '٫') and position(v_last in v_others) = 0
    and v_others = repeat(left(v_others, 1), length(v_others)) and position('٫' in v_others) = 0
    and (v_others = '' or p_body ~ '^[1-9][0-9]{0,2}([^0-9][0-9]{3})+[^0-9][0-9]+$');
  v_may_group := v_marks = repeat(v_last, length(v_marks)) and v_last <> '٫' and p_body ~ '^[1-9][0-9]{0,2}([^0-9][0-9]{3})+$';
  -- what the options say, where the marks leave a choice
  if p_decimal is not null then
    v_may_group := v_may_group and v_last <> p_decimal;
    v_may_be_decimal := v_may_be_decimal and v_last in (p_decimal, '٫') and left(v_others, 1) <> p_decimal;
  elsif v_may_group and v_may_be_decimal and v_last = ',' and p_exponent <> 3 then
    -- 1,234: three decimals are none of this currency
    v_may_be_decimal := false;
  end if;
  return case when v_may_group and v_may_be_decimal then null
              when v_may_be_decimal then v_last
              when v_may_group then '' else '!' end;
end $$;
comment on function ledger.decimal_mark(text, text, integer) is
  'The decimal separator of a number: '''' when it has none, null when that can be read two ways, ! when in no way.';
