/*
 * Which units a cancellation takes back. A row looks for lines of earlier imported orders of its customer with the
 * same stock code at the same price, newest order first, and may spread over several; it is taken whole or
 * not at all. Of rows that want the same units the smaller come first, so that as many as can be are found.
 */
create type ledger.cancelled_units as (
  row_number bigint,
  order_id uuid,
  line_number integer,
  quantity bigint
);

create function ledger.units_to_cancel(p_run public.import_runs, p_number text)
returns ledger.cancelled_units[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    with wanted as (
      select w.row_number, l.user_id, l.sku, l.unit_price_amount as price, -l.quantity as quantity,
             l.placed_at, sum(-l.quantity) over (partition by l.sku, l.unit_price_amount order by -l.quantity, w.row_number) as up_to
      from public.import_rows w
      cross join lateral jsonb_populate_record(null::ledger.import_order_line, w.parsed) l
      where w.run_id = p_run.id and w.external_id = p_number and w.parsed ? 'order_number' and w.state = 'staged'),
    units as (
      select o.id as order_id, o.created_at, i.line_number, i.product_sku as sku, i.unit_price_amount as price,
             i.quantity - coalesce((select sum(f.quantity) from public.refund_lines f
                                    where f.order_id = i.order_id and f.line_number = i.line_number), 0) as quantity
      from public.orders o
      join public.order_items i on i.account_id = o.account_id and i.order_id = o.id
      where o.user_id = (select n.user_id from wanted n limit 1) and o.currency = p_run.currency and o.status in ('shipped', 'delivered')
        and o.created_at <= (select min(n.placed_at) from wanted n)
        and exists (select from public.import_identities e where e.kind = 'order' and e.target_id = o.id)),
    there as (
      select u.*, sum(u.quantity) over (partition by u.sku, u.price order by u.created_at desc, u.order_id desc, u.line_number desc) as up_to,
             sum(u.quantity) over (partition by u.sku, u.price) as total
      from units u
      where u.quantity > 0)
    select array_agg(row(n.row_number, t.order_id, t.line_number,
                         least(n.up_to, t.up_to) - greatest(n.up_to - n.quantity, t.up_to - t.quantity))::ledger.cancelled_units)
    from wanted n
    join there t on t.sku = n.sku and t.price = n.price and n.up_to <= t.total
                and n.up_to > t.up_to - t.quantity and t.up_to > n.up_to - n.quantity);
end $$;
comment on function ledger.units_to_cancel(public.import_runs, text) is
  'Units of earlier imported orders that the staged rows of a cancellation take back; rows for which there are not enough have none.';

/* Locks the imported orders of these customers by id, then every account and stock that taking them back touches. */
create function ledger.lock_orders_to_cancel(p_run public.import_runs, p_user_ids uuid[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order_ids uuid[];
begin
  v_order_ids := array(
    select o.id
    from public.orders o
    where o.user_id = any (p_user_ids) and o.currency = p_run.currency and o.status in ('shipped', 'delivered')
      and exists (select from public.import_identities e where e.kind = 'order' and e.target_id = o.id)
    order by o.id
    for no key update);
  perform ledger.lock_accounts(array(
    select distinct u.user_id
    from public.orders o
    cross join lateral unnest(ledger.accounts_to_take_back_from(o)) u (user_id)
    where o.id = any (v_order_ids)), p_run.currency, p_open => false);
  if p_run.options ->> 'stock' = 'take' then
    perform ledger.lock_stock_to_return(array(select distinct i.variant_id from public.order_items i where i.order_id = any (v_order_ids)));
  end if;
end $$;
comment on function ledger.lock_orders_to_cancel(public.import_runs, uuid[]) is
  'Locks what the cancellations of these customers can touch: orders by id, accounts by id, stock by variant.';
