/* ORD00000001: prefix and digits from the settings (source 004). Gaps are possible, repeats are not. */
create function ledger.next_order_number(p_settings jsonb)
returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_number text := nextval('ledger.order_number_seq')::text;
begin
  return (p_settings ->> 'order_number_prefix')
         || lpad(v_number, greatest(length(v_number), (p_settings ->> 'order_number_length')::integer), '0');
end $$;
comment on function ledger.next_order_number(jsonb) is 'The next order number.';
