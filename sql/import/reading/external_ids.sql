/*
 * What two spellings of one name have in common: a spreadsheet drops the zeros before a number, a
 * keyboard has its own digits, and case, spaces and dashes come and go. Two names with one key are kept
 * apart by a person, and never by the import.
 */
create function ledger.import_key(p_external_id text)
returns text
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return regexp_replace(ledger.reference_key(p_external_id), '^0+([0-9]+)$', '\1');
end $$;
comment on function ledger.import_key(text) is 'What the spellings of one external id have in common.';

/*
 * The normal form in which the name of a payment or invoice is kept: with the digits 0 to 9, without
 * invisible characters and the decimals that a spreadsheet gave it, behind options.external_id_prefix.
 * One that holds an e-mail address is kept as a digest: names stay when their person is erased.
 */
create function ledger.import_external_id(p_text text, p_options jsonb)
returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text := btrim(regexp_replace(regexp_replace(ledger.latin_digits(p_text),
    '[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]', '', 'g'), '[[:space:]\u00a0\u2000-\u200a\u202f\u205f\u3000]+', ' ', 'g'));
begin
  v_name := regexp_replace(v_name, '^([0-9]+)\.0+$', '\1');
  v_name := coalesce(p_options ->> 'external_id_prefix', '') || nullif(v_name, '');
  return case when position('@' in v_name) > 0 then 'digest ' || encode(sha256(convert_to(lower(v_name), 'UTF8')), 'hex') else v_name end;
end $$;
comment on function ledger.import_external_id(text, jsonb) is 'The name of a payment or invoice of the older system in its normal form; null when nothing is left of it.';
