/* Where a call came from, as PostgREST hands it over; settings come back as '' when unset. */
create function ledger.request_header(p_name text)
returns text
language sql stable strict
set search_path = pg_catalog, pg_temp
as $$
  select nullif(current_setting('request.headers', true), '')::jsonb ->> lower(p_name);
$$;
comment on function ledger.request_header(text) is 'A header of the HTTP request that is being served, or null.';

/* The hop nearest to us: what stands before it in x-forwarded-for is the client's own word. */
create function ledger.client_address()
returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(ledger.request_header('cf-connecting-ip'), trim(split_part(ledger.request_header('x-forwarded-for'), ',', -1)));
$$;
comment on function ledger.client_address() is 'Address of the client as the platform saw it, or null outside HTTP.';

/* One id through all records of one operation: the caller's x-correlation-id if it is a UUID. */
create function ledger.correlation_id()
returns uuid
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select case when h.value ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then h.value::uuid else ledger.uuid_v7() end
  from (select ledger.request_header('x-correlation-id') as value) h;
$$;
comment on function ledger.correlation_id() is 'The caller''s x-correlation-id, or a new id.';
