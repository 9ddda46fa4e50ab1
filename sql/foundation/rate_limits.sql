/*
 * Token buckets per user and procedure. The bucket table is unlogged: it costs no WAL, and after a
 * crash everybody simply has a full bucket. Staff and backends are not limited; vendors are
 * customers of the platform, and are.
 */
create table public.rate_limits (
  procedure text primary key,
  capacity integer not null,
  refill_per_second numeric(10, 3) not null,
  constraint capacity_is_positive check (capacity between 1 and 1000000),
  constraint refill_is_positive check (refill_per_second > 0 and refill_per_second <= 1000000)
);
alter table public.rate_limits enable row level security;
revoke all on public.rate_limits from anon, authenticated, service_role;
grant select on public.rate_limits to authenticated, service_role;
comment on table public.rate_limits is 'Token buckets of the procedures that ask for one; without its row such a procedure is not limited.';

create unlogged table ledger.rate_limit_buckets (
  user_id uuid not null,
  procedure text not null,
  tokens numeric(12, 3) not null,
  refilled_at timestamptz not null,
  primary key (user_id, procedure)
) with (fillfactor = 50);
comment on table ledger.rate_limit_buckets is 'Tokens left per user and procedure. Unlogged on purpose.';

/*
 * RateLimit and RateLimit-Policy as the IETF's draft names them: q tokens at most, w seconds to fill an
 * empty bucket, r whole tokens left, t seconds until it is full again.
 */
create function ledger.tell_rate_limit(p_limit public.rate_limits, p_tokens numeric)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform ledger.add_response_header('RateLimit-Policy',
    format('"%s";q=%s;w=%s', p_limit.procedure, p_limit.capacity, ceil(p_limit.capacity / p_limit.refill_per_second)));
  perform ledger.add_response_header('RateLimit',
    format('"%s";r=%s;t=%s', p_limit.procedure, floor(p_tokens), ceil((p_limit.capacity - p_tokens) / p_limit.refill_per_second)));
end $$;
comment on function ledger.tell_rate_limit(public.rate_limits, numeric) is
  'Tells an HTTP client how many tokens are left in their bucket, as headers of the answer.';

/* Null when the call may go on, else the refusal. Taken after the idempotency key: a replay is free. */
create function ledger.rate_limit_take(p_user_id uuid, p_procedure text)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_limit public.rate_limits;
  v_tokens numeric;
begin
  select l.* into v_limit
  from public.rate_limits l
  where l.procedure = p_procedure
    and not exists (select from public.user_roles u where u.user_id = p_user_id and u.role <> 'vendor');
  if not found then
    return null;
  end if;
  insert into ledger.rate_limit_buckets as b (user_id, procedure, tokens, refilled_at)
  values (p_user_id, p_procedure, v_limit.capacity - 1, clock_timestamp())
  on conflict (user_id, procedure) do update set
    tokens = least(v_limit.capacity,
                   b.tokens + greatest(0, extract(epoch from excluded.refilled_at - b.refilled_at)) * v_limit.refill_per_second) - 1,
    refilled_at = excluded.refilled_at
  where least(v_limit.capacity,
              b.tokens + greatest(0, extract(epoch from excluded.refilled_at - b.refilled_at)) * v_limit.refill_per_second) >= 1
  returning b.tokens into v_tokens;
  -- only who asks by HTTP can read it
  if coalesce(current_setting('request.headers', true), '') <> '' then
    perform ledger.tell_rate_limit(v_limit, coalesce(v_tokens, 0));
  end if;
  if v_tokens is not null then
    return null;
  end if;
  return ledger.refuse('rate_limited', jsonb_build_object(
    'procedure', p_procedure,
    'retry_after_seconds', greatest(1, ceil(1 / v_limit.refill_per_second))));
end $$;
comment on function ledger.rate_limit_take(uuid, text) is 'Takes one token of the user''s bucket; answers the refusal when it is empty.';
