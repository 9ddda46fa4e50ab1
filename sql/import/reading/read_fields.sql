/* true and false as files write them; null for anything else. */
create function ledger.parse_flag(p_text text)
returns boolean
language sql immutable parallel safe
return case lower(ledger.latin_digits(p_text))
         when 'true' then true when 't' then true when '1' then true when 'yes' then true when 'y' then true when 'بله' then true
         when 'false' then false when 'f' then false when '0' then false when 'no' then false when 'n' then false when 'خیر' then false end;
comment on function ledger.parse_flag(text) is 'A text that says yes or no; null when it says something else.';

create function ledger.text_reject(p_row_number bigint, p_field text, p_value text, p_maximum integer)
returns ledger.import_reject
language sql immutable
return row(p_row_number, p_field, case when p_value is null then 'row_value_missing' else 'row_text_too_long' end, left(p_value, 1000),
           jsonb_build_object('maximum', p_maximum))::ledger.import_reject;
comment on function ledger.text_reject(bigint, text, text, integer) is 'The reject of a text that is missing or too long.';
