/* What an imported order leaves beside what is proven of it: its receipt, and what was claimed. Drafts are locked and checked. */

create type ledger.imported_claim as (
  order_id uuid,
  account_id uuid,
  user_id uuid,
  order_number text,
  currency text,
  created_at timestamptz,
  problems text[],
  customer_status text,
  management_status text,
  claimed_status text,
  payment_status text,
  wallet_amount bigint,
  wallet_transaction text,
  receipt_id uuid,
  receipt_reference text,
  receipt_amount bigint
);
comment on type ledger.imported_claim is 'What a drafted order of an import claims beyond what is proven; amounts in minor units.';

/* The claims of those of drafted orders that are broken. */
create function ledger.draft_imported_claims(p_run public.import_runs, p_orders public.orders[])
returns ledger.imported_claim[]
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_run.options ->> 'broken_orders' is distinct from 'claim' then
    return null;
  end if;
  return (
    with said as (
      select w.external_id, bool_or(l.has_mismatch) as has_mismatch, bool_or(l.lacks_transaction) as lacks_transaction,
             bool_or(l.has_receipt) as has_receipt, min(l.customer_status) as customer_status, min(l.management_status) as management_status,
             min(l.claimed_status) as claimed_status, min(l.said_payment_status) as payment_status, max(l.wallet_amount) as wallet_amount,
             min(l.wallet_transaction) as wallet_transaction, min(l.receipt_reference) as receipt_reference, max(l.receipt_amount) as receipt_amount
      from public.import_rows w
      cross join lateral jsonb_populate_record(null::ledger.import_order_line, w.parsed) l
      where w.run_id = p_run.id and w.parsed ? 'order_number' and w.state = 'staged'
        and w.external_id in (select o.metadata ->> 'old_number' from unnest(p_orders) o)
      group by w.external_id)
    select array_agg(row(o.id, o.account_id, o.user_id, o.order_number, o.currency, o.created_at, p.problems, s.customer_status, s.management_status,
             coalesce(s.claimed_status, o.status), s.payment_status, c.wallet_amount, s.wallet_transaction,
             case when s.has_receipt then ledger.imported_id(o.created_at) end, s.receipt_reference,
             case when s.has_receipt then coalesce(s.receipt_amount, o.total_amount - o.paid_amount - c.wallet_amount) end)::ledger.imported_claim order by o.id)
    from unnest(p_orders) o
    join said s on s.external_id = o.metadata ->> 'old_number'
    cross join lateral (select case when s.lacks_transaction then coalesce(s.wallet_amount, o.total_amount - o.paid_amount) else 0 end) c (wallet_amount)
    cross join lateral (select array_remove(array[
      case when s.has_mismatch then 'status_mismatch' end, case when s.lacks_transaction then 'wallet_without_transaction' end,
      case when s.has_receipt then 'receipt_stuck' end], null)) p (problems)
    where p.problems <> '{}');
end $$;
comment on function ledger.draft_imported_claims(public.import_runs, public.orders[]) is 'What drafted orders of an import claim, of those that are broken.';

/* One transfer is shown once, whether it was recorded, shown here, or stands in an earlier order of the batch. */
create function ledger.reject_used_receipts(p_run public.import_runs, p_orders public.orders[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  return ledger.reject_import_rows(p_run.id, array(
    select row(w.row_number, 'receipt_reference', 'row_reference_used', c.receipt_reference, '{"method": "bank_transfer"}')::ledger.import_reject
    from (select n.*, row_number() over (partition by ledger.reference_key(n.receipt_reference) order by n.created_at, n.order_id) as place
          from unnest(ledger.draft_imported_claims(p_run, p_orders)) n
          where n.receipt_id is not null) c
    join unnest(p_orders) o on o.id = c.order_id
    join public.import_rows w on w.run_id = p_run.id and w.external_id = o.metadata ->> 'old_number' and w.parsed ? 'order_number' and w.state = 'staged'
    where c.place > 1
       or exists (select from public.payments p
                  where p.method = 'bank_transfer' and p.reference is not null and p.status = 'captured'
                    and ledger.reference_key(p.reference) = ledger.reference_key(c.receipt_reference))
       or exists (select from public.payment_receipts r
                  where r.reference is not null and r.status in ('submitted', 'approved', 'partly_approved') and r.payment_voided_at is null
                    and ledger.reference_key(r.reference) = ledger.reference_key(c.receipt_reference))));
end $$;
comment on function ledger.reject_used_receipts(public.import_runs, public.orders[]) is
  'Rejects drafted orders whose receipt names a transfer that is known already; answers how many rows.';

/* Receipts of written orders come under review; answers what all of them claim. */
create function ledger.write_imported_receipts(p_run public.import_runs, p_orders public.orders[])
returns ledger.imported_claim[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_claims ledger.imported_claim[] := ledger.draft_imported_claims(p_run, p_orders);
begin
  insert into public.payment_receipts (id, account_id, user_id, order_id, currency, amount, reference, submitted_at, created_at)
  select c.receipt_id, c.account_id, c.user_id, c.order_id, c.currency, c.receipt_amount, c.receipt_reference, c.created_at, c.created_at
  from unnest(v_claims) c
  where c.receipt_id is not null;
  update public.orders o set payment_status = 'receipt_uploaded'
  from unnest(v_claims) c
  where o.account_id = c.account_id and o.id = c.order_id and c.receipt_id is not null;
  return v_claims;
end $$;
comment on function ledger.write_imported_receipts(public.import_runs, public.orders[]) is
  'Writes the receipts that written orders of an import came with, under review since the time of the order; answers the claims of all of them.';

/* After the history of the orders: the events of their receipts, and what was claimed. */
create function ledger.record_imported_claims(p_run public.import_runs, p_claims ledger.imported_claim[], p_actor ledger.actor)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.immutable_events (id, occurred_at, event_type, stream_type, stream_id, account_id, payload, actor_id, correlation_id)
  select nextval('ledger.event_id_seq'), c.created_at, 'receipt.submitted', 'order', c.order_id, c.account_id,
         jsonb_build_object('imported', true, 'recorded_at', clock_timestamp(), 'receipt_id', c.receipt_id, 'order_number', c.order_number,
           'currency', c.currency, 'receipt_amount', c.receipt_amount, 'receipt_status', 'submitted', 'payment_status', 'receipt_uploaded'),
         p_actor.user_id, gen_random_uuid()
  from unnest(p_claims) c
  where c.receipt_id is not null;
  insert into public.imported_order_claims
    (order_id, account_id, import_run_id, problems, customer_status, management_status, claimed_status, payment_status, wallet_amount,
     wallet_transaction, receipt_id)
  select c.order_id, c.account_id, p_run.id, c.problems, c.customer_status, c.management_status, c.claimed_status, c.payment_status,
         c.wallet_amount, c.wallet_transaction, c.receipt_id
  from unnest(p_claims) c;
end $$;
comment on function ledger.record_imported_claims(public.import_runs, ledger.imported_claim[], ledger.actor) is
  'Writes the events of receipts that came with orders of an import, and what the broken ones of these orders claimed.';
