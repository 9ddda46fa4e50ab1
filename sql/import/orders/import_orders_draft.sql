/* The orders that rows of an import stand for, as they will be written. Amounts in minor units. */

/* An id among those of its time: lists and reports find rows by their ids, and those of ids rise with time. */
create function ledger.imported_id(p_at timestamptz)
returns uuid
language sql volatile
return encode(set_bit(set_bit(
  overlay(uuid_send(gen_random_uuid()) placing substring(int8send((extract(epoch from p_at) * 1000)::bigint) from 3) from 1 for 6),
  52, 1), 53, 1), 'hex')::uuid;
comment on function ledger.imported_id(timestamptz) is 'A UUID of version 7 as one made at that moment would be.';

create function ledger.imported_prices_include_tax(p_options jsonb)
returns boolean
language sql stable
return coalesce((p_options ->> 'prices_include_tax')::boolean, ledger.setting_text('prices_include_tax')::boolean);
comment on function ledger.imported_prices_include_tax(jsonb) is 'Whether the prices of an import contain the tax: options.prices_include_tax, else the setting.';

/* What an order with these lines amounts to; numeric, because a file can say anything. */
create function ledger.imported_total(p_options jsonb, p_lines ledger.import_order_line[])
returns numeric
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_include boolean := ledger.imported_prices_include_tax(p_options);
begin
  return (
    select sum(n.net::numeric + case when v_include then 0 else ledger.line_tax(n.net, n.tax_rate_bp, false) end) + max(coalesce(n.shipping_amount, 0))
    from (select l.unit_price_amount * l.quantity - coalesce(l.discount_amount, 0) as net, l.tax_rate_bp, l.shipping_amount
          from unnest(p_lines) l) n);
end $$;
comment on function ledger.imported_total(jsonb, ledger.import_order_line[]) is 'What an order of these lines of an import amounts to.';

/*
 * What the rows of an order say of its payment; where they name an amount and no status, the amount says it.
 * Only an order of which neither is known has the status that the options give.
 */
create function ledger.imported_payment_status(p_options jsonb, p_status text, p_paid_amount bigint, p_total numeric)
returns text
language sql immutable parallel safe
return coalesce(p_status, case when p_paid_amount = p_total then 'paid' when p_paid_amount = 0 then 'unpaid'
                               when p_paid_amount is not null then 'partially_paid' end, p_options ->> 'default_payment_status', 'paid');
comment on function ledger.imported_payment_status(jsonb, text, bigint, numeric) is 'The payment status of an order of an import: as said, else as paid, else as the options say.';

/*
 * The orders of these numbers, with ids of their time. An order that ended in the older system is written as it
 * was before and then ended as any other: metadata.ends_as says how. The number it had there is in metadata.
 */
create function ledger.draft_imported_orders(p_run public.import_runs, p_numbers text[])
returns public.orders[]
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_include boolean := ledger.imported_prices_include_tax(p_run.options);
  v_orders public.orders[];
begin
  with lines as (
    select w.external_id, l.*, l.unit_price_amount * l.quantity as goods,
           l.unit_price_amount * l.quantity - coalesce(l.discount_amount, 0) as net
    from public.import_rows w
    cross join lateral jsonb_populate_record(null::ledger.import_order_line, w.parsed) l
    where w.run_id = p_run.id and w.external_id = any (p_numbers) and w.parsed ? 'order_number' and w.state = 'staged'),
  sums as (
    select l.external_id, min(l.placed_at) as placed_at, (array_agg(l.user_id))[1] as user_id, min(l.status) as status,
           min(l.payment_status) as payment_status, min(l.payment_method) as payment_method, min(l.country) as country, min(l.notes) as notes,
           sum(l.goods)::bigint as subtotal, sum(coalesce(l.discount_amount, 0))::bigint as discount, max(coalesce(l.shipping_amount, 0)) as shipping,
           sum(ledger.line_tax(l.net, l.tax_rate_bp, v_include))::bigint as tax, max(l.paid_amount) as paid
    from lines l
    group by l.external_id),
  totals as (
    select s.external_id, s.placed_at, s.status, s.payment_status, s.payment_method, s.country, s.notes, s.subtotal, s.discount, s.shipping,
           s.tax, s.paid, s.subtotal - s.discount + s.shipping + case when v_include then 0 else s.tax end as total,
           (select p.id from public.profiles p where p.id = s.user_id and p.erased_at is null) as user_id
    from sums s)
  select array_agg(jsonb_populate_record(null::public.orders, jsonb_build_object(
    'id', ledger.imported_id(t.placed_at), 'account_id', ledger.account_id(t.user_id, p_run.currency), 'user_id', t.user_id,
    'order_number', concat(p_run.options ->> 'order_number_prefix', t.external_id), 'currency', p_run.currency,
    'status', case t.status when 'cancelled' then 'confirmed' when 'refunded' then 'delivered' else t.status end,
    'payment_method', case when t.payment_method in ('cash', 'other') then 'bank_transfer' else t.payment_method end,
    'prices_include_tax', v_include, 'subtotal_amount', t.subtotal, 'discount_amount', t.discount, 'shipping_amount', t.shipping,
    'tax_amount', t.tax, 'total_amount', t.total, 'wallet_amount', 0,
    'paid_amount', case ledger.imported_payment_status(p_run.options, t.payment_status, t.paid, t.total) when 'unpaid' then 0 when 'partially_paid' then t.paid else t.total end,
    'notes', t.notes, 'created_at', t.placed_at,
    'metadata', jsonb_strip_nulls(jsonb_build_object('imported', true, 'import_run_id', p_run.id, 'old_number', t.external_id,
      'country', t.country, 'paid_by', case when t.payment_method in ('card', 'cash', 'bank_transfer') then t.payment_method
                                                  when t.payment_method = 'bank_transfer_grace' then 'bank_transfer' end,
      'ends_as', case when t.status in ('cancelled', 'refunded') then t.status end)))) order by t.placed_at, t.external_id)
  into v_orders
  from totals t;
  return v_orders;
end $$;
comment on function ledger.draft_imported_orders(public.import_runs, text[]) is
  'The staged orders of these numbers as they will be written; user_id is null where the customer is not known any more.';

/* Their lines, at the prices of the file; a vendor's share was settled in the older system, so there is none here. */
create function ledger.draft_imported_items(p_run public.import_runs, p_orders public.orders[])
returns public.order_items[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select array_agg(row(o.account_id, o.id, l.line_number, v.id, p.vendor_id, coalesce(l.product_name, p.name), l.sku, v.name, l.quantity,
             l.unit_price_amount, l.unit_price_amount * l.quantity, coalesce(l.discount_amount, 0), l.tax_rate_bp,
             ledger.line_tax(l.unit_price_amount * l.quantity - coalesce(l.discount_amount, 0), l.tax_rate_bp, o.prices_include_tax),
             o.created_at, null)::public.order_items order by o.id, l.line_number)
    from unnest(p_orders) o
    cross join lateral (
      select n.*, row_number() over (order by w.row_number)::integer as line_number
      from public.import_rows w
      cross join lateral jsonb_populate_record(null::ledger.import_order_line, w.parsed) n
      where w.run_id = p_run.id and w.external_id = o.metadata ->> 'old_number' and w.parsed ? 'order_number' and w.state = 'staged') l
    join public.variants v on v.sku = l.sku
    join public.products p on p.id = v.product_id);
end $$;
comment on function ledger.draft_imported_items(public.import_runs, public.orders[]) is 'The lines of drafted orders of an import.';

-- the rows of an order, and of a cancellation
create index import_rows_by_order_number on public.import_rows (run_id, external_id) where parsed ? 'order_number';
