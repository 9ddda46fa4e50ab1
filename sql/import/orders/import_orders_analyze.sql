/*
 * Reads the staged rows of kind orders. An order is imported whole or not at all: its total has to be the one
 * the older system had, so one row that cannot be read takes the others of its order along. The rows of
 * a cancellation stand for themselves. Source 002, E-A1.
 */
create function ledger.import_orders_analyze(p_run_id uuid)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run public.import_runs;
  v_exponent integer;
  v_first_row bigint;
  v_last_row bigint;
  v_rejects ledger.import_reject[];
begin
  select r.* into v_run from public.import_runs r where r.id = p_run_id;
  v_exponent := (select c.exponent from public.currencies c where c.code = v_run.currency);

  -- what each row says
  for v_first_row, v_last_row in select c.first_row, c.last_row from ledger.import_chunks(p_run_id) c loop
    perform ledger.keep_import_readings(p_run_id, array(
      select ledger.read_order_row(w.row_number, w.data, v_run.options, v_run.currency, v_exponent)
      from public.import_rows w
      where w.run_id = p_run_id and w.row_number between v_first_row and v_last_row),
      p_find_customers => true);
  end loop;

  -- what it takes for granted, and what the rows of an order say together
  perform ledger.reject_import_rows(p_run_id, ledger.reject_unknown_skus(p_run_id));
  perform ledger.reject_import_rows(p_run_id, ledger.reject_disagreeing_orders(p_run_id));

  -- and an order goes with each of its rows
  select array_agg(row(w.row_number, 'order_number', 'row_of_rejected_order', w.external_id,
                       jsonb_build_object('row', w.rejected_row))::ledger.import_reject) into v_rejects
  from (select r.row_number, r.external_id, r.state, min(r.row_number) filter (where r.state = 'rejected') over (partition by r.external_id) as rejected_row
        from public.import_rows r
        where r.run_id = p_run_id and r.parsed @> '{"is_cancellation": false}') w
  where w.state = 'staged' and w.rejected_row is not null;
  perform ledger.reject_import_rows(p_run_id, v_rejects);

  return (
    select jsonb_build_object(
      'orders', count(distinct w.external_id) filter (where not l.is_cancellation),
      'cancellations', count(distinct w.external_id) filter (where l.is_cancellation),
      'customers', count(distinct l.user_id),
      'skus', count(distinct l.sku),
      'first_at', min(l.placed_at), 'last_at', max(l.placed_at),
      'amount', coalesce(sum(w.amount) filter (where not l.is_cancellation), 0),
      'cancelled_amount', coalesce(sum(w.amount) filter (where l.is_cancellation), 0))
    from public.import_rows w
    cross join lateral jsonb_populate_record(null::ledger.import_order_line, w.parsed) l
    where w.run_id = p_run_id and w.state = 'staged');
end $$;
comment on function ledger.import_orders_analyze(uuid) is
  'Reads the staged rows of an import of orders and rejects those that cannot be imported; answers orders, cancellations, customers, skus, times and sums (minor units) of the others.';

/* Products come first, by an import of their own. */
create function ledger.reject_unknown_skus(p_run_id uuid)
returns ledger.import_reject[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select array_agg(row(w.row_number, 'sku', 'row_product_not_found', w.parsed ->> 'sku', null)::ledger.import_reject)
  from public.import_rows w
  where w.run_id = p_run_id and w.state = 'staged' and not exists (select from public.variants v where v.sku = w.parsed ->> 'sku');
$$;
comment on function ledger.reject_unknown_skus(uuid) is 'Rejects for staged rows of orders whose product is not known here.';

/* The order's own fields are on each of its rows, so they have to be the same on all, and its sums have to fit. */
create function ledger.reject_disagreeing_orders(p_run_id uuid)
returns ledger.import_reject[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_options jsonb := (select r.options from public.import_runs r where r.id = p_run_id);
begin
  return (with orders as (
    select w.external_id, min(w.row_number) as row_number, sum(l.unit_price_amount::numeric * l.quantity) as goods,
           case when count(distinct l.user_id) > 1 then 'customer'
                when count(distinct l.status) > 1 then 'status'
                when count(distinct l.payment_status) > 1 then 'payment_status'
                when count(distinct l.payment_method) > 1 then 'payment_method'
                when count(distinct l.shipping_amount) > 1 then 'shipping'
                when count(distinct l.total_amount) > 1 then 'total'
                when count(distinct l.paid_amount) > 1 then 'paid_amount'
                when count(distinct l.claimed_status) > 1 then 'management_status'
                when count(distinct lower(l.customer_status)) > 1 or count(distinct coalesce(l.has_mismatch, false)) > 1 then 'customer_status'
                -- a claim that only some of the rows make is none: nulls count
                when count(distinct l.wallet_transaction) > 1 or count(distinct coalesce(l.lacks_transaction, false)) > 1 then 'wallet_transaction'
                when count(distinct row(l.wallet_amount)) > 1 then 'wallet_amount'
                when count(distinct (l.receipt_reference, l.receipt_amount, l.has_receipt)) > 1 then 'receipt_reference' end as field,
           max(l.total_amount) as total, max(l.paid_amount) as paid, max(l.payment_status) as said_status,
           bool_or(l.lacks_transaction) as lacks_transaction, max(l.wallet_amount) as wallet, bool_or(l.has_receipt) as has_receipt, max(l.receipt_amount) as receipt,
           ledger.imported_total(v_options, array_agg(l)) as reckoned
    from public.import_rows w
    cross join lateral jsonb_populate_record(null::ledger.import_order_line, w.parsed) l
    where w.run_id = p_run_id and w.state = 'staged' and not l.is_cancellation
    group by w.external_id)
  select array_agg(row(o.row_number, j.field, j.code, j.value, j.details)::ledger.import_reject)
  from orders o
  cross join lateral ledger.imported_payment_status(v_options, o.said_status, o.paid, o.reckoned) s (payment_status)
  cross join lateral (select o.reckoned - o.paid - case when o.lacks_transaction then coalesce(o.wallet, o.reckoned - o.paid) else 0 end) d (open_amount)
  cross join lateral (values
    (o.field, case when o.field is not null then 'row_disagrees_with_order' end, o.external_id, '{}'::jsonb),
    ('total', case when greatest(o.reckoned, o.goods) > 9007199254740991 then 'row_amount_too_large'
                   when o.total <> o.reckoned then 'row_total_differs' end, o.total::text, jsonb_build_object('reckoned', o.reckoned)),
    ('paid_amount', case when case s.payment_status when 'unpaid' then o.paid <> 0
                                                    when 'partially_paid' then coalesce(o.paid not between 1 and o.reckoned - 1, true)
                                                    else o.paid <> o.reckoned end then 'row_paid_amount_wrong' end,
     o.paid::text, jsonb_build_object('total', o.reckoned, 'status', s.payment_status)),
    -- what is claimed beyond that: at least something, and no more than is left, for the wallet first
    ('wallet_amount', case when o.lacks_transaction and coalesce(o.wallet, o.reckoned - o.paid) not between 1 and o.reckoned - o.paid then 'row_paid_amount_wrong' end,
     o.wallet::text, jsonb_build_object('total', o.reckoned, 'status', s.payment_status)),
    ('receipt_amount', case when o.has_receipt and coalesce(o.receipt, d.open_amount) not between 1 and d.open_amount then 'row_paid_amount_wrong' end,
     o.receipt::text, jsonb_build_object('total', o.reckoned, 'status', s.payment_status))) j (field, code, value, details)
  where j.code is not null);
end $$;
comment on function ledger.reject_disagreeing_orders(uuid) is
  'Rejects for the first row of orders whose rows disagree, whose total is not the sum of its parts, whose paid amount is not what its payment status says, or which claim more of a wallet or a receipt than is open.';
