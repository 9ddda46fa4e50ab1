/*
 * A vendor's lines of the orders placed in a range, per currency and status. Reckoned from the lines and
 * their snapshots; what was earned and taken back comes from vendor_earnings.
 */
create function ledger.vendor_figures(p_range ledger.report_range, p_vendor_id uuid)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    with per_order as (
      select o.id, o.currency, o.status, sum(i.quantity) as units, sum(i.total_price_amount) as gross_amount,
             sum(i.discount_amount) as discount_amount, sum(l.base_amount) as base_amount, sum(l.vendor_amount) as share_amount
      from public.order_items i
      join public.orders o on o.id = i.order_id
      cross join lateral ledger.line_part(i, o.prices_include_tax, i.quantity) l
      where i.vendor_id = p_vendor_id and i.order_id >= p_range.first_id and i.order_id < p_range.last_id
        and o.id >= p_range.first_id and o.id < p_range.last_id
        and o.created_at >= p_range.from_at and o.created_at < p_range.to_at
      group by o.id, o.currency, o.status),
    per_status as (
      select p.currency, p.status, count(*) as orders, sum(p.units) as units, sum(p.gross_amount) as gross_amount,
             sum(p.discount_amount) as discount_amount, sum(p.base_amount) as base_amount, sum(p.share_amount) as share_amount,
             coalesce(sum(e.share_amount), 0) as earned_amount, coalesce(sum(e.clawed_back_amount), 0) as clawed_back_amount,
             coalesce(sum(e.share_amount - e.clawed_back_amount) filter (where e.account_id is not null), 0) as wallet_amount
      from per_order p
      left join public.vendor_earnings e on e.order_id = p.id and e.vendor_id = p_vendor_id
      group by p.currency, p.status)
    select coalesce(jsonb_agg(c.figures order by c.currency), '[]')
    from (
      select s.currency, jsonb_build_object(
        'currency', s.currency,
        'orders', coalesce(sum(s.orders) filter (where ledger.is_sale(s.status)), 0),
        'units', coalesce(sum(s.units) filter (where ledger.is_sale(s.status)), 0),
        'gross_amount', coalesce(sum(s.gross_amount) filter (where ledger.is_sale(s.status)), 0),
        'discount_amount', coalesce(sum(s.discount_amount) filter (where ledger.is_sale(s.status)), 0),
        'platform_fee_amount', coalesce(sum(s.base_amount - s.share_amount) filter (where ledger.is_sale(s.status)), 0),
        'share_amount', coalesce(sum(s.share_amount) filter (where ledger.is_sale(s.status)), 0),
        'earned_amount', sum(s.earned_amount),
        'clawed_back_amount', sum(s.clawed_back_amount),
        'paid_to_wallet_amount', sum(s.wallet_amount),
        'payable_amount', sum(s.earned_amount - s.clawed_back_amount - s.wallet_amount),
        'by_status', jsonb_agg(jsonb_build_object(
          'status', s.status, 'orders', s.orders, 'units', s.units, 'gross_amount', s.gross_amount,
          'discount_amount', s.discount_amount, 'platform_fee_amount', s.base_amount - s.share_amount,
          'share_amount', s.share_amount, 'earned_amount', s.earned_amount, 'clawed_back_amount', s.clawed_back_amount)
          order by array_position(ledger.order_statuses(), s.status))) as figures
      from per_status s
      group by s.currency) c);
end $$;
comment on function ledger.vendor_figures(ledger.report_range, uuid) is 'The figures of report_vendor, an array with one element per currency.';

create type public.report_vendor_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  vendor_id uuid, vendor_name text, from_at timestamptz, to_at timestamptz, currencies jsonb
);

/* What a vendor sold and what of it is theirs. Somebody else's vendor reads as not found. Source 004 (vendor reports). */
create function public.report_vendor(
  p_vendor_id uuid default null,
  p_from timestamptz default null,
  p_to timestamptz default null)
returns setof public.report_vendor_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_vendor_ids uuid[];
  v_range ledger.report_range;
  v_refusal jsonb;
begin
  -- who may
  v_vendor_ids := ledger.vendors_of_call(ledger.current_actor(), p_vendor_id, 'reports.read');

  -- check
  v_range := ledger.range_of_report(p_from, p_to);
  v_refusal := case
    when cardinality(v_vendor_ids) = 0 then ledger.refuse_vendor(p_vendor_id)
    when cardinality(v_vendor_ids) > 1 then ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_vendor_id',
      'problem', 'say which one, you own several vendors'))
    else v_range.refusal
  end;
  if v_refusal is not null then
    return next jsonb_populate_record(null::public.report_vendor_result, v_refusal);
    return;
  end if;

  -- answer
  return query
    select true, null::uuid, null::text, null::text, null::jsonb, v.id, v.name, v_range.from_at, v_range.to_at,
           ledger.vendor_figures(v_range, v.id)
    from public.vendors v
    where v.id = v_vendor_ids[1];
end $$;
revoke execute on function public.report_vendor(uuid, timestamptz, timestamptz) from public, anon;
grant execute on function public.report_vendor(uuid, timestamptz, timestamptz) to authenticated, service_role;
comment on function public.report_vendor(uuid, timestamptz, timestamptz) is
  'Figures over a vendor''s lines of the orders placed from p_from to before p_to (30 days until now; at most 366): currencies [{currency, orders, units, gross_amount, discount_amount, platform_fee_amount, share_amount, earned_amount, clawed_back_amount, paid_to_wallet_amount, payable_amount, by_status [{status, orders, units, gross_amount, discount_amount, platform_fee_amount, share_amount, earned_amount, clawed_back_amount}]}]. share_amount is what the lines are worth to the vendor, earned_amount what delivery credited, payable_amount what waits because nobody owns the vendor. A currency''s own figures up to share_amount leave out rejected and cancelled orders. Amounts in minor units. For the vendor''s owner, and staff with reports.read. Errors: vendor_not_found, invalid_argument. Source 004.';
