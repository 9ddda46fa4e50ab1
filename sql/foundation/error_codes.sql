/* Every business refusal: its stable code, the HTTP status the REST layer answers with, its sentence. */
create table public.error_codes (
  code text primary key,
  http_status smallint not null,
  message text not null,
  description text not null,
  constraint code_is_snake_case check (code ~ '^[a-z][a-z0-9_]*$'),
  constraint status_is_a_client_error check (http_status between 400 and 499)
);
alter table public.error_codes enable row level security;
revoke all on public.error_codes from anon, authenticated, service_role;
grant select on public.error_codes to anon, authenticated, service_role;
create policy error_codes_are_public on public.error_codes for select to anon, authenticated using (true);
comment on table public.error_codes is
  'Codes of business refusals. {name} in a message is filled from error_details; {name:money} as an amount of error_details.currency.';

/*
 * The one place where a refusal is worded. Answers the columns every procedure shares; a code that
 * is not in the table is a bug and raises.
 */
create function ledger.refuse(p_code text, p_details jsonb default '{}')
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_sentence text := (select e.message from public.error_codes e where e.code = p_code);
  v_details jsonb;
  v_message text;
begin
  if v_sentence is null then
    raise exception 'error code "%" is not in public.error_codes', p_code;
  end if;
  -- what was sent comes back as far as it helps
  select coalesce(jsonb_object_agg(d.key, case when jsonb_typeof(d.value) = 'string' and length(d.value #>> '{}') > 300
                                               then to_jsonb(left(d.value #>> '{}', 300) || '...') else d.value end), '{}')
  into v_details
  from jsonb_each(p_details) d;
  -- one pass: a value that looks like a placeholder is not looked at again
  select string_agg(case
           when p.part[1] ~ '^\{[a-z_]+\}$' then v_details ->> btrim(p.part[1], '{}')
           when p.part[1] ~ '^\{[a-z_]+:money\}$' then
             ledger.format_money((p_details ->> split_part(btrim(p.part[1], '{}'), ':', 1))::bigint, p_details ->> 'currency')
           else p.part[1] end, '' order by p.position)
  into v_message
  from regexp_matches(v_sentence, '\{[a-z_]+(?::money)?\}|[^{]+|\{', 'g') with ordinality p (part, position);
  return jsonb_build_object('success', false, 'error_code', p_code,
                            'error_message', v_message, 'error_details', v_details);
end $$;
comment on function ledger.refuse(text, jsonb) is
  'The answer of a refused call: success false, error_code, error_message made from the code''s sentence, error_details.';
