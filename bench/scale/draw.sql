/* Everything that is drawn follows from a number and a purpose, so two loads of one size are alike. */
create schema scale;

create function scale.share(p_number bigint, p_purpose bigint)
returns double precision
language sql immutable parallel safe
as $$
  select (hashint8extended(p_number, p_purpose) & 4503599627370495) / 4503599627370496.0::float8;
$$;
comment on function scale.share(bigint, bigint) is 'From 0 to just below 1, spread evenly over the numbers.';

create function scale.id_at(p_at timestamptz, p_number bigint, p_purpose bigint)
returns uuid
language sql immutable parallel safe
as $$
  -- 48 bits of milliseconds, the version, 12 bits, the variant, and the rest
  select (lpad(to_hex((extract(epoch from p_at) * 1000)::bigint), 12, '0')
          || '7' || lpad(to_hex(hashint8extended(p_number, p_purpose) & 4095), 3, '0')
          || '8' || lpad(to_hex((hashint8extended(p_number, p_purpose) >> 12) & 4503599627370495), 15, '0'))::uuid;
$$;
comment on function scale.id_at(timestamptz, bigint, bigint) is 'A UUID of version 7 as it would have been made at that time.';
