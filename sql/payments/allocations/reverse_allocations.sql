/*
 * The rows that take allocations back whole, under the operation's transaction; answers their ids. One that a
 * backfill takes back of its own is synthetic as well; any other says that somebody has decided.
 */
create function ledger.write_reversals(p_transaction public.transactions, p_allocation_ids uuid[], p_actor ledger.actor)
returns uuid[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ids uuid[];
begin
  with written as (
    insert into public.payment_allocations
      (account_id, payment_id, invoice_id, allocated_amount, method, reverses_allocation_id, synthetic, import_run_id, performed_by, transaction_id)
    select l.account_id, l.payment_id, l.invoice_id, -l.allocated_amount, l.method, l.id, b.is_backfill, case when b.is_backfill then l.import_run_id end, p_actor.user_id, p_transaction.id
    from public.payment_allocations l
    cross join lateral (select l.synthetic and current_setting('ledger.procedure', true) in ('import_backfill', 'import_abort') as is_backfill) b
    where l.account_id = p_transaction.account_id and l.id = any (p_allocation_ids)
    order by l.id
    returning id)
  select coalesce(array_agg(w.id), '{}') into v_ids from written w;
  return v_ids;
end $$;
comment on function ledger.write_reversals(public.transactions, uuid[], ledger.actor) is 'Writes the reversing row of each allocation; answers their ids.';

/*
 * Takes allocations back: the money is unapplied remainder of its payments again, the invoices are open
 * by it. Of the last one p_kept stays, as a new row. One operation for each order among them, and
 * one for all free invoices.
 */
create function ledger.take_back_allocations(
  p_account_id uuid, p_allocation_ids uuid[], p_kept bigint, p_actor ledger.actor, p_reason text, p_correlation_id uuid)
returns ledger.allocation_change
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_last_id uuid := p_allocation_ids[cardinality(p_allocation_ids)];
  v_part record;
  v_transaction public.transactions;
  v_ids uuid[];
  v_change ledger.allocation_change;
begin
  for v_part in
    select i.order_id, array_agg(l.id order by l.id) as ids, (array_agg(l.payment_id order by l.id))[1] as payment_id
    from public.payment_allocations l
    join public.invoices i on i.account_id = l.account_id and i.id = l.invoice_id
    where l.account_id = p_account_id and l.id = any (p_allocation_ids)
    group by i.order_id
    order by i.order_id
  loop
    v_transaction := ledger.write_transaction(
      p_account_id, 'allocation_reversed', p_actor, coalesce(p_reason, 'allocation reversed'), p_correlation_id,
      p_order_id => v_part.order_id, p_reference_id => v_part.payment_id);
    v_ids := ledger.write_reversals(v_transaction, v_part.ids, p_actor);
    if p_kept > 0 and v_last_id = any (v_part.ids) then
      with kept as (
        insert into public.payment_allocations
          (account_id, payment_id, invoice_id, allocated_amount, method, synthetic, import_run_id, performed_by, transaction_id)
        select l.account_id, l.payment_id, l.invoice_id, p_kept, l.method, l.synthetic, l.import_run_id, p_actor.user_id, v_transaction.id
        from public.payment_allocations l
        where l.account_id = p_account_id and l.id = v_last_id
        returning id)
      select v_ids || k.id into v_ids from kept k;
    end if;
    v_change := ledger.add_change(v_change, ledger.book_allocations(v_transaction, v_ids, 'allocation.reversed', v_part.payment_id,
      jsonb_build_object('reversed', v_part.ids, 'reason', p_reason), p_actor));
  end loop;
  return v_change;
end $$;
comment on function ledger.take_back_allocations(uuid, uuid[], bigint, ledger.actor, text, uuid) is
  'Reverses live allocations; of the last one p_kept (minor units) stays.';

/*
 * The caller has locked orders, account, payments and invoices, has checked that the allocations are
 * live, and has set ledger.procedure. p_allocation_ids names at least one.
 */
create function ledger.reverse_allocations(
  p_account_id uuid, p_allocation_ids uuid[], p_actor ledger.actor, p_reason text, p_correlation_id uuid)
returns ledger.allocation_change
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  return ledger.take_back_allocations(p_account_id, p_allocation_ids, 0, p_actor, p_reason, p_correlation_id);
end $$;
comment on function ledger.reverse_allocations(uuid, uuid[], ledger.actor, text, uuid) is
  'Reverses live allocations of a locked account by rows of their own, with all that follows for orders, postings and debt.';

/*
 * Takes p_amount of what is allocated to an invoice back, newest first (with p_payment_id: of what that
 * payment gave, to any invoice when p_invoice_id is null). The last one may be needed in part only.
 * Locks and checks as above: so much is allocated.
 */
create function ledger.release_allocations(
  p_account_id uuid, p_invoice_id uuid, p_amount bigint, p_actor ledger.actor, p_reason text, p_correlation_id uuid,
  p_payment_id uuid default null)
returns ledger.allocation_change
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ids uuid[];
  v_kept bigint;
begin
  select array_agg(n.id order by n.id desc), max(n.running) - p_amount into v_ids, v_kept
  from (select l.id, l.allocated_amount, sum(l.allocated_amount) over (order by l.id desc) as running
        from ledger.live_allocations(p_account_id, p_invoice_id, p_payment_id) l) n
  where n.running - n.allocated_amount < p_amount;
  if v_ids is null or v_kept < 0 then
    raise exception 'less than % is allocated to invoice % by payment %', p_amount, p_invoice_id, p_payment_id;
  end if;
  return ledger.take_back_allocations(p_account_id, v_ids, v_kept, p_actor, p_reason, p_correlation_id);
end $$;
comment on function ledger.release_allocations(uuid, uuid, bigint, ledger.actor, text, uuid, uuid) is
  'Takes back p_amount (minor units) of the live allocations to an invoice, or of a payment, newest first; the part of the last one that stays is a new row.';
