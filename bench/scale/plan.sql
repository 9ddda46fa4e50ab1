/*
 * What happens in the year, before it is written: lines, orders, operations on accounts and
 * movements of stock, each numbered in the order of time. A chunk is a stretch of time.
 */
create unlogged table scale.lines as
  select n, 1 + ((n - 1) / z.chunk_orders)::int as chunk, line, v.variant_id, q.quantity, v.price_amount,
         v.price_amount * q.quantity as total_price_amount, v.tax_rate_bp,
         round(v.price_amount * q.quantity * v.tax_rate_bp / 10000.0)::bigint as tax_amount,
         v.vendor_id, v.product_name, v.sku, v.name, v.number as variant
  from scale.size z
  cross join generate_series(1, z.orders) n
  cross join generate_series(0, 2) line
  cross join lateral (select 1 + floor(scale.share(n * 3 + line, 12) * 3)::bigint as quantity) q
  -- lines of an order have different variants, and a few variants sell most
  join scale.variants v on v.number = 3 * floor(z.variants / 3 * power(scale.share(n * 3 + line, 13), 2))::int + line;

create unlogged table scale.orders as
  select s.n, s.items, s.subtotal, s.tax, s.subtotal + s.tax as total, 1 + ((s.n - 1) / z.chunk_orders)::int as chunk,
         c.number as customer, c.user_id, c.account_id, t.created_at, scale.id_at(t.created_at, s.n, 1) as order_id,
         z.number_prefix || lpad((z.last_number + s.n)::text, greatest(z.number_digits, length((z.last_number + s.n)::text)), '0') as order_number,
         e.processing_at, e.processing_at + (1 + 3 * scale.share(s.n, 24)) * case when e.delivered then interval '1 day' end as delivered_at,
         e.cancelled_at
  from scale.size z
  cross join (select l.n, sum(l.total_price_amount)::bigint as subtotal, sum(l.tax_amount)::bigint as tax,
                     jsonb_agg(jsonb_build_object('variant_id', l.variant_id, 'quantity', l.quantity,
                                                  'unit_price_amount', l.price_amount)) as items
              from scale.lines l group by l.n) s
  cross join lateral (select z.started_at + (s.n - 0.5) / z.orders * (z.ended_at - z.started_at) as created_at) t
  -- one customer has a fiftieth of all orders, a thousandth of them a tenth, and the rest a long tail
  join scale.customers c on c.number = case
    when scale.share(s.n, 21) < 0.02 then 1
    when scale.share(s.n, 21) < 0.12 then 2 + floor(scale.share(s.n, 22) * (z.customers / 1000))::int
    else z.customers / 1000 + 2 + floor((z.customers - z.customers / 1000 - 1) * power(scale.share(s.n, 22), 2))::int end
  -- what is older than a month is over; of the rest some is in work
  cross join lateral (
    select d.is_over and d.share < 0.93 as delivered,
           case when d.is_over and d.share < 0.93 then t.created_at + (0.1 + scale.share(s.n, 25)) * interval '1 day'
                when not d.is_over and d.share < 0.5 then t.created_at + scale.share(s.n, 25) * (z.ended_at - t.created_at) end as processing_at,
           case when d.is_over and d.share >= 0.93 then t.created_at + (0.1 + scale.share(s.n, 25)) * interval '1 hour' end as cancelled_at
    from (select t.created_at < z.ended_at - interval '30 days' as is_over, scale.share(s.n, 23) as share) d) e
  order by s.n;
create unique index on scale.orders (n);
create index on scale.orders using brin (chunk) with (pages_per_range = 16);
analyze scale.orders;

create unlogged table scale.operations as
  select row_number() over (order by p.at, p.rank, p.n, p.customer) as number,
         least(1 + floor(extract(epoch from p.at - z.started_at) / extract(epoch from z.ended_at - z.started_at)
                         * z.orders / z.chunk_orders)::int, z.chunks) as chunk,
         p.at, p.what, p.n, c.user_id, c.account_id, p.amount,
         c.opening_version + row_number() over account as account_version,
         c.opening_balance + sum(p.amount) over account as balance_after
  from scale.size z
  cross join (
    select z.started_at as at, 'deposit' as what, 0 as rank, 0 as n, o.customer, sum(o.total)::bigint + 100000 as amount
    from scale.orders o cross join scale.size z group by o.customer, z.started_at
    union all
    select o.created_at, 'placed', 1, o.n, o.customer, -o.total from scale.orders o
    union all
    select o.processing_at, 'processing', 2, o.n, o.customer, 0 from scale.orders o where o.processing_at is not null
    union all
    select o.delivered_at, 'delivered', 3, o.n, o.customer, 0 from scale.orders o where o.delivered_at is not null
    union all
    select o.cancelled_at, 'cancelled', 3, o.n, o.customer, o.total from scale.orders o where o.cancelled_at is not null) p
  join scale.customers c on c.number = p.customer
  window account as (partition by p.customer order by p.at, p.rank, p.n)
  order by p.at, p.rank, p.n, p.customer;
create index on scale.operations using brin (chunk) with (pages_per_range = 16);

-- each variant is restocked at the start by what it sells, so that its stock ends where it was
create unlogged table scale.movements as
  select row_number() over (order by m.at, m.n, m.line, m.variant) as number,
         least(1 + floor(extract(epoch from m.at - z.started_at) / extract(epoch from z.ended_at - z.started_at)
                         * z.orders / z.chunk_orders)::int, z.chunks) as chunk,
         m.at, m.reason, m.order_id, m.user_id, v.variant_id, m.quantity,
         v.opening_version + row_number() over stock as slot_version,
         v.opening_on_hand + sum(m.quantity) over stock as on_hand_after
  from scale.size z
  cross join (
    select z.started_at as at, 'received' as reason, null::uuid as order_id, null::uuid as user_id, 0 as n, 0 as line, l.variant,
           sum(l.quantity) filter (where o.cancelled_at is null) + 1000000 as quantity
    from scale.lines l join scale.orders o using (n) cross join scale.size z group by l.variant, z.started_at
    union all
    select o.created_at, 'order_placed', o.order_id, o.user_id, o.n, l.line, l.variant, -l.quantity
    from scale.lines l join scale.orders o using (n)
    union all
    select o.cancelled_at, 'order_cancelled', o.order_id, o.user_id, o.n, l.line, l.variant, l.quantity
    from scale.lines l join scale.orders o using (n)
    where o.cancelled_at is not null) m
  join scale.variants v on v.number = m.variant
  window stock as (partition by m.variant order by m.at, m.n)
  order by m.at, m.n, m.line, m.variant;
create index on scale.movements using brin (chunk) with (pages_per_range = 16);
create index on scale.lines using brin (chunk) with (pages_per_range = 16);
analyze scale.lines, scale.operations, scale.movements;
