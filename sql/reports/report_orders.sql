create type public.report_orders_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  from_at timestamptz, to_at timestamptz, currency text, totals jsonb, by_status jsonb, by_day jsonb, top_products jsonb,
  customers jsonb, processing jsonb, refunds jsonb
);

/*
 * How the shop does: volume, revenue, success, what sold, who ordered, how long it took, what went back.
 * It reads the orders of its range, found by their time-ordered ids, and not those before. Source 004
 * (order analytics).
 */
create function public.report_orders(
  p_from timestamptz default null,
  p_to timestamptz default null,
  p_currency text default null)
returns setof public.report_orders_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_currency text := upper(coalesce(p_currency, ledger.setting_text('default_currency')));
  v_range ledger.report_range;
  v_refusal jsonb;
begin
  -- who may
  perform ledger.require_permission(ledger.current_actor(), 'reports.read');

  -- check
  v_range := ledger.range_of_report(p_from, p_to);
  v_refusal := case
    when v_range.refusal is not null then v_range.refusal
    when not exists (select from public.currencies c where c.code = v_currency) then
      ledger.refuse('unknown_currency', jsonb_build_object('currency', v_currency,
        'known', (select string_agg(c.code, ', ' order by c.code) from public.currencies c)))
  end;
  if v_refusal is not null then
    return next jsonb_populate_record(null::public.report_orders_result, v_refusal);
    return;
  end if;

  -- answer
  return query
    select true, null::uuid, null::text, null::text, null::jsonb, v_range.from_at, v_range.to_at, v_currency,
           f.figures -> 'totals', f.figures -> 'by_status', f.figures -> 'by_day', ledger.top_products(v_range, v_currency),
           ledger.customer_figures(v_range, v_currency), ledger.processing_figures(v_range, v_currency),
           ledger.refund_figures(v_range, v_currency)
    from (select ledger.order_figures(v_range, v_currency) as figures offset 0) f;
end $$;
revoke execute on function public.report_orders(timestamptz, timestamptz, text) from public, anon;
grant execute on function public.report_orders(timestamptz, timestamptz, text) to authenticated, service_role;
comment on function public.report_orders(timestamptz, timestamptz, text) is
  'Figures over the orders placed from p_from to before p_to (30 days until now; at most 366) in one currency (the shop''s default): totals {orders, sales, placed_amount, average_amount, subtotal_amount, discount_amount, shipping_amount, tax_amount, credited_amount, revenue_amount, outstanding_amount, success_rate_bp}, by_status [{status, orders, total_amount}], by_day [{day, orders, placed_amount, revenue_amount}] (UTC), top_products [{product_id, product_name, orders, units, amount}], customers {customers, new, returning, with_several_orders}, processing {placed_to_shipped, shipped_to_delivered, placed_to_delivered: {orders, p50_seconds, p90_seconds, p95_seconds}}, and over the refunds made in that time refunds {refunds, orders, credited_amount, returned_amount, wallet_amount, credit_amount, payout_amount, pending_payout_amount}. Amounts in minor units; sales and what follows them leave out rejected and cancelled orders. Needs reports.read. Errors: invalid_argument, unknown_currency. Source 004.';
