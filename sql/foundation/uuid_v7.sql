/*
 * A time-ordered UUID (RFC 9562, version 7): 48 bits of milliseconds, 12 bits of their fraction, then
 * random bits, so that new rows land beside each other in every index, and what one transaction
 * makes stays in the order it was made in. PostgreSQL has it built in from 18 on only.
 */
create function ledger.uuid_v7()
returns uuid
language plpgsql volatile parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  v_microseconds bigint := (extract(epoch from clock_timestamp()) * 1000000)::bigint;
begin
  -- 28672 is 0x7000, the version; the variant's bits are those of the random UUID
  return encode(
    overlay(uuid_send(gen_random_uuid())
            placing int8send(((v_microseconds / 1000) << 16) | 28672 | ((v_microseconds % 1000) * 4096 / 1000))
            from 1 for 8),
    'hex')::uuid;
end $$;
comment on function ledger.uuid_v7() is 'Time-ordered UUID, version 7.';

/*
 * The bounds of a time among time-ordered ids, so that a month of a table is a range of its primary key. An
 * id is made a little before its row, so whoever needs the exact moment leaves some room at the bounds
 * and compares the row's own time as well. Times that no id can have count as the nearest that one can.
 */
create function ledger.first_id_at(p_at timestamptz, p_room interval default '0')
returns uuid
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  v_at timestamptz := least(greatest(p_at, timestamptz '1970-01-02 00:00:00+00'), timestamptz '9999-12-31 00:00:00+00') + p_room;
begin
  return encode(
    overlay(uuid_send('00000000-0000-7000-8000-000000000000'::uuid)
            placing substring(int8send(floor(extract(epoch from v_at) * 1000)::bigint) from 3)
            from 1 for 6),
    'hex')::uuid;
end $$;
comment on function ledger.first_id_at(timestamptz, interval) is
  'The least UUID of version 7 made at or after a moment (to the millisecond), moved by p_room.';
