/*
 * Procedures raise an order's version with what they change. Notes, metadata and addresses also change
 * without one of them: by hand, or when a person is erased. Who compares versions has to see that too.
 */
create function ledger.raise_order_version()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if new.version = old.version
     and (new.notes, new.metadata, new.shipping_address, new.billing_address)
         is distinct from (old.notes, old.metadata, old.shipping_address, old.billing_address) then
    new.version := old.version + 1;
    new.updated_at := clock_timestamp();
  end if;
  return new;
end $$;
comment on function ledger.raise_order_version() is 'Trigger: the order has another version after its texts were changed.';

create trigger texts_raise_the_version
  before update of notes, metadata, shipping_address, billing_address on public.orders
  for each row execute function ledger.raise_order_version();
select ledger.enable_always('public.orders', array['texts_raise_the_version']);
