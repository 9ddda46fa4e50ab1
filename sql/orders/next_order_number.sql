/* ORD00000001: prefix and digits from the settings (source 004). Gaps are possible, repeats are not. */
create function ledger.next_order_number()
returns text
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select ledger.setting_text('order_number_prefix')
         || lpad(n.value::text, greatest(length(n.value::text), ledger.setting_text('order_number_length')::integer), '0')
  from (select nextval('ledger.order_number_seq') as value) n;
$$;
comment on function ledger.next_order_number() is 'The next order number.';
