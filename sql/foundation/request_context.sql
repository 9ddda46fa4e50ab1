/* Where a call came from, as PostgREST hands it over; settings come back as '' when unset. */
create function ledger.request_headers()
returns jsonb
language sql stable
return nullif(current_setting('request.headers', true), '')::jsonb;
comment on function ledger.request_headers() is 'Headers of the HTTP request that is being served, names in lower case; null outside HTTP.';

/* The hop nearest to us: what stands before it in x-forwarded-for is the client's own word. */
create function ledger.client_address(p_headers jsonb)
returns text
language sql immutable
return coalesce(p_headers ->> 'cf-connecting-ip', trim(split_part(p_headers ->> 'x-forwarded-for', ',', -1)));
comment on function ledger.client_address(jsonb) is 'Address of the client as the platform saw it, from the request''s headers.';

/* One id through all records of one operation: the caller's x-correlation-id if it is a UUID. */
create function ledger.correlation_id_in(p_headers jsonb)
returns uuid
language sql volatile
return case when p_headers ->> 'x-correlation-id' ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
            then (p_headers ->> 'x-correlation-id')::uuid else gen_random_uuid() end;
comment on function ledger.correlation_id_in(jsonb) is 'The x-correlation-id of these headers, or a new id.';

create function ledger.correlation_id()
returns uuid
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_headers jsonb := ledger.request_headers();
begin
  return ledger.correlation_id_in(v_headers);
end $$;
comment on function ledger.correlation_id() is 'The caller''s x-correlation-id, or a new id.';

/* PostgREST sends the setting response.headers along: an array of objects with one header each. */
create function ledger.add_response_header(p_name text, p_value text)
returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(current_setting('request.headers', true), '') <> '' then
    perform set_config('response.headers',
      (coalesce(nullif(current_setting('response.headers', true), ''), '[]')::jsonb || jsonb_build_object(p_name, p_value))::text, true);
  end if;
end $$;
comment on function ledger.add_response_header(text, text) is 'Adds a header to the answer of the HTTP request that is being served; does nothing outside HTTP.';
