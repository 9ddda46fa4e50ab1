/*
 * Everything that changing these orders to a status may lock, in the one order of locks: all orders,
 * all accounts, all stock, all discount counters. Order by order it would be order, accounts, stock
 * and then the next order, which two lists the other way round, or a list and a placement, could
 * wait for each other in. What is locked here is locked again later by each change, without waiting.
 */
create function ledger.lock_for_bulk_change(p_order_ids uuid[], p_to text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ends boolean := p_to in ('cancelled', 'refunded');
  v_user_id uuid;
  v_currency text;
  v_variant_ids uuid[];
begin
  -- lock: orders
  perform from public.orders o where o.id = any (p_order_ids) order by o.id for no key update;

  -- lock: accounts by id, whatever their currencies: of the customers, and of who earns by a delivery or loses by its end
  for v_user_id, v_currency in
    with changed as (select o.* from public.orders o where o.id = any (p_order_ids))
    select u.user_id, u.currency
    from (
      select c.user_id, c.currency from changed c
      union
      select r.referrer_user_id, c.currency
      from changed c
      join public.referrals r on r.referee_user_id = c.user_id
      where p_to = 'delivered' or c.status = 'delivered'
      union
      select w.owner_id, c.currency
      from changed c
      cross join lateral unnest(ledger.owners_of(ledger.vendor_shares(c.account_id, c.id, c.prices_include_tax))) w (owner_id)
      where p_to = 'delivered'
      union
      select e.earner_id, c.currency
      from changed c
      cross join lateral unnest(ledger.vendor_earners(c.id)) e (earner_id)
      where c.status = 'delivered') u
    order by ledger.account_id(u.user_id, u.currency)
  loop
    perform ledger.lock_accounts(array[v_user_id], v_currency, p_open => false);
  end loop;

  -- lock: stock, discount counters
  if v_ends then
    v_variant_ids := array(select distinct i.variant_id from public.order_items i where i.order_id = any (p_order_ids) order by 1);
    perform ledger.lock_all_stock(v_variant_ids);
    perform ledger.lock_low_stock_marks(v_variant_ids);
    perform from public.discount_usage u
    where u.discount_code_id in (select o.discount_code_id from public.orders o where o.id = any (p_order_ids))
    order by u.discount_code_id
    for no key update;
  end if;
end $$;
comment on function ledger.lock_for_bulk_change(uuid[], text) is
  'Locks all that changing these orders to a status may lock, in the order of locks.';
