/*
 * A time-ordered UUID (RFC 9562, version 7): 48 bits of milliseconds, then random bits, so that
 * new rows land beside each other in every index. PostgreSQL has it built in from 18 on only.
 */
create function ledger.uuid_v7()
returns uuid
language plpgsql volatile parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return encode(
    set_bit(set_bit(
      overlay(uuid_send(gen_random_uuid())
              placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
              from 1 for 6),
      52, 1), 53, 1),
    'hex')::uuid;
end $$;
comment on function ledger.uuid_v7() is 'Time-ordered UUID, version 7.';
