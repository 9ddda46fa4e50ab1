/*
 * What was paid for an order rises by p_amount (minor units; below zero when a payment is taken back); its
 * payment status and its deadline follow. p_present: the status it is to have where the amounts allow it (in_grace,
 * receipt_uploaded, overpaid; any other lets the amounts alone decide), its own when null.
 */
create function ledger.pay_order(p_account_id uuid, p_order_id uuid, p_amount bigint, p_present text default null)
returns public.orders
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
begin
  update public.orders o set
    paid_amount = o.paid_amount + p_amount,
    payment_status = ledger.payment_status_of(o.total_amount, o.credited_amount, o.paid_amount + p_amount, o.refunded_amount,
                                              coalesce(p_present, ledger.payment_status_kept(o))),
    version = o.version + 1,
    updated_at = clock_timestamp()
  where o.account_id = p_account_id and o.id = p_order_id
  returning o.* into v_order;
  return ledger.settle_payment_deadline(v_order);
end $$;
comment on function ledger.pay_order(uuid, uuid, bigint, text) is
  'Adds to what was paid for a locked order, or takes from it, and answers the order as it is then. Postings and records are the caller''s.';
