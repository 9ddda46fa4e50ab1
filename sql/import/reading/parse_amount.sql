create type ledger.parsed_amount as (
  amount bigint,
  code text,
  details jsonb
);
comment on type ledger.parsed_amount is 'An amount in minor units, or the code of why a text is none, with what the code''s sentence needs.';

/*
 * Reads an amount as people write it into text fields (source 002, E-A1), into minor units, or says why
 * it cannot be read. Nothing is guessed: 1.234 is a thousand somewhere and one and a bit elsewhere, so it
 * is ambiguous until options.decimal_separator says; a number like 1.2E+9 may have lost digits in a
 * spreadsheet, and is taken with options.accept_exponent only.
 */
create function ledger.parse_amount(p_text text, p_currency text, p_exponent integer, p_options jsonb default '{}')
returns ledger.parsed_amount
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_text text;
  v_body text;
  v_word text;
  v_is_known boolean;
  v_factor integer := 1;
  v_sign integer := 1;
  v_mark text;
  v_power integer := 0;
  v_value numeric;
begin
  -- most are plain
  if p_text ~ '^[0-9]{1,15}$' then
    v_value := p_text::numeric * power(10::numeric, p_exponent);
    return case when v_value <= 9007199254740991 then row(v_value::bigint, null, null)::ledger.parsed_amount
                else row(null, 'row_amount_too_large', null)::ledger.parsed_amount end;
  end if;

  -- one alphabet of digits, signs and spaces
  v_text := btrim(regexp_replace(translate(ledger.latin_digits(p_text), '−–‐﹣－＋' || U&'\00a0\202f\2009', '-----+   '), '[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]', '', 'g'), E' \t\r\n');
  if coalesce(v_text, '') = '' then
    return row(null, 'row_value_missing', null)::ledger.parsed_amount;
  elsif length(v_text) > 100 then
    return row(null, 'row_amount_not_numeric', null)::ledger.parsed_amount;
  end if;

  -- exponent notation
  if v_text ~ '^[-+]?[0-9]+([.,][0-9]+)?[eE][-+]?[0-9]{1,2}$' then
    if not coalesce((p_options ->> 'accept_exponent')::boolean, false) then
      return row(null, 'row_amount_not_exact', null)::ledger.parsed_amount;
    end if;
    v_power := substring(v_text from '[eE]\+?(-?[0-9]+)$')::integer;
    v_text := regexp_replace(v_text, '[eE].*$', '');
    v_mark := substring(v_text from '[.,]');
    -- 1,234E+5: nobody groups digits in this notation, but a comma and three digits look like it
    if v_mark <> coalesce(p_options ->> 'decimal_separator', v_mark) or (v_text ~ ',[0-9]{3}$' and not p_options ? 'decimal_separator') then
      return row(null, 'row_amount_ambiguous', null)::ledger.parsed_amount;
    end if;
    v_text := translate(v_text, '.,', '٫٫');
  end if;

  -- a currency's word or sign before or behind the number
  if v_text ~ '[^0-9.,''’٫٬، ()+$€£¥₹₺﷼-]\.[0-9]' then
    -- Rs.500: the dot of an abbreviation, or half a rupee
    return row(null, 'row_amount_ambiguous', null)::ledger.parsed_amount;
  end if;
  v_text := regexp_replace(v_text, '([^0-9.,''’٫٬، ()+-])\.(?= |$)', '\1', 'g');
  v_word := substring(v_text from '[^0-9.,''’٫٬، ()+-](?:.*[^0-9.,''’٫٬، ()+-])?');
  if v_word is not null then
    if v_word ~ '[0-9]' then
      return row(null, 'row_amount_not_numeric', null)::ledger.parsed_amount;
    end if;
    select w.is_known, w.factor into v_is_known, v_factor from ledger.currency_of_word(v_word, p_currency) w;
    if not v_is_known then
      return row(null, 'row_amount_not_numeric', null)::ledger.parsed_amount;
    elsif v_factor = 0 then
      return row(null, 'row_amount_of_other_currency', jsonb_build_object('word', v_word, 'currency', p_currency))::ledger.parsed_amount;
    end if;
    v_text := btrim(replace(v_text, v_word, ' '));
  end if;

  -- sign: in front, behind, or parentheses
  if v_text ~ '^\(.*\)$' then
    v_sign := -1;
    v_text := substr(v_text, 2, length(v_text) - 2);
  elsif v_text ~ '^[-+]' then
    v_sign := case left(v_text, 1) when '-' then -1 else 1 end;
    v_text := substr(v_text, 2);
  elsif v_text ~ '-$' then
    v_sign := -1;
    v_text := left(v_text, -1);
  end if;

  -- separators
  v_body := replace(btrim(v_text), '’', '''');
  v_body := case when v_body ~ '^[.,٫][0-9]+$' then '0' || v_body else v_body end;
  if v_body !~ '^[0-9]+([.,''٫٬، ][0-9]+)*$' then
    return row(null, 'row_amount_not_numeric', null)::ledger.parsed_amount;
  end if;
  -- a toman has a decimal more than the rial
  v_mark := ledger.decimal_mark(v_body, p_options ->> 'decimal_separator', p_exponent + case v_factor when 10 then 1 else 0 end);
  if v_mark is null then
    return row(null, 'row_amount_ambiguous', null)::ledger.parsed_amount;
  elsif v_mark = '!' then
    return row(null, case when p_options ? 'decimal_separator' then 'row_amount_ambiguous' else 'row_amount_not_numeric' end, null)::ledger.parsed_amount;
  elsif v_mark = '' then
    v_value := regexp_replace(v_body, '[^0-9]', '', 'g')::numeric;
  else
    v_value := (regexp_replace(split_part(v_body, v_mark, 1), '[^0-9]', '', 'g') || '.' || split_part(v_body, v_mark, 2))::numeric;
  end if;

  -- minor units, exactly
  v_value := v_sign * v_factor * v_value * power(10::numeric, p_exponent + v_power);
  if abs(v_value) > 9007199254740991 then
    return row(null, 'row_amount_too_large', null)::ledger.parsed_amount;
  elsif v_value <> trunc(v_value) then
    return row(null, 'row_amount_too_precise', jsonb_build_object('currency', p_currency, 'decimals', p_exponent))::ledger.parsed_amount;
  end if;
  return row(v_value::bigint, null, null)::ledger.parsed_amount;
end $$;
comment on function ledger.parse_amount(text, text, integer, jsonb) is
  'Reads an amount: minor units of p_currency (with p_exponent decimals), or the code of why not. Options: decimal_separator "." or ",", accept_exponent true.';
