/*
 * Gives parts of a payment to invoices. The caller has locked the orders of the invoices, the account,
 * the payment and the invoices, has checked that there is so much of each, and has set
 * ledger.procedure. Where the payment gave to the invoice before, that row is reversed and one of the
 * sum takes its place: of a pair one row is live. p_key names the call, and with the invoice each of
 * its lines. p_confirm as in ledger.confirm_when_covered.
 *
 * What goes to an order is an operation of that order, with transaction, event and history, so a call
 * for invoices of several orders writes one for each, and one for all free invoices.
 */
create function ledger.allocate(
  p_account_id uuid,
  p_payment_id uuid,
  p_lines ledger.allocation_line[],
  p_method text,
  p_actor ledger.actor,
  p_correlation_id uuid,
  p_key text default null,
  p_synthetic boolean default false,
  p_import_run_id uuid default null,
  p_confirm boolean default null)
returns ledger.allocation_change
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_part record;
  v_transaction public.transactions;
  v_raised uuid[];
  v_ids uuid[];
  v_change ledger.allocation_change;
begin
  for v_part in
    select i.order_id, array_agg(row(l.invoice_id, l.amount)::ledger.allocation_line order by l.ordinality) as lines
    from unnest(p_lines) with ordinality l
    join public.invoices i on i.account_id = p_account_id and i.id = l.invoice_id
    group by i.order_id
    order by i.order_id
  loop
    v_transaction := ledger.write_transaction(
      p_account_id, 'payment_allocated', p_actor, 'payment allocated', p_correlation_id,
      p_order_id => v_part.order_id, p_reference_id => p_payment_id);
    v_raised := array(
      select a.id
      from unnest(v_part.lines) l
      cross join lateral ledger.live_allocations(p_account_id, l.invoice_id, p_payment_id) a);
    v_ids := ledger.write_reversals(v_transaction, v_raised, p_actor);
    with written as (
      insert into public.payment_allocations
        (account_id, payment_id, invoice_id, allocated_amount, method, synthetic, import_run_id, performed_by, transaction_id, idempotency_key)
      select p_account_id, p_payment_id, l.invoice_id, l.amount + coalesce(a.allocated_amount, 0), p_method, p_synthetic, p_import_run_id,
             p_actor.user_id, v_transaction.id, p_key || ':' || l.invoice_id
      from unnest(v_part.lines) with ordinality l
      left join public.payment_allocations a on a.id = any (v_raised) and a.invoice_id = l.invoice_id
      order by l.ordinality
      returning id)
    select v_ids || array_agg(w.id) into v_ids from written w;
    v_change := ledger.add_change(v_change, ledger.book_allocations(v_transaction, v_ids, 'payment.allocated', p_payment_id,
      jsonb_build_object('method', p_method, 'synthetic', p_synthetic), p_actor, p_confirm));
  end loop;
  return v_change;
end $$;
comment on function ledger.allocate(uuid, uuid, ledger.allocation_line[], text, ledger.actor, uuid, text, boolean, uuid, boolean) is
  'Allocates a locked payment to locked invoices, in minor units, with all that follows for orders, postings and debt.';
