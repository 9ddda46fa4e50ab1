/*
 * What has changed since a horizon. Every operation writes an event with its transaction's id, so all that
 * happened since a snapshot is in events from its oldest running transaction on; some of what was
 * looked at before is looked at again. Hand edits with the guards off leave no event: a run of everything
 * finds them.
 */
create function ledger.changed_since(p_horizon bigint)
returns ledger.integrity_scope
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_scope ledger.integrity_scope := row('changed'::text, '{}'::uuid[], '{}'::uuid[], '{}'::uuid[]);
  v_streams uuid[];
  v_first_at timestamptz;
begin
  select array_agg(distinct e.account_id) filter (where e.account_id is not null), array_agg(distinct e.stream_id), min(e.occurred_at)
  into v_scope.account_ids, v_streams, v_first_at
  from public.immutable_events e
  where e.written_by_xid >= p_horizon;

  -- an order that another stream's event moved (a payment on its invoice) was written to in the same transaction
  v_scope.order_ids := array(
    select o.id from public.orders o where o.id = any (v_streams)
    union
    select o.id
    from public.accounts a
    join public.orders o on o.user_id = a.user_id and o.account_id = a.id
    where a.id = any (v_scope.account_ids) and o.updated_at >= v_first_at - interval '1 hour');
  -- an order's books are its account's, whoever's account the event was about
  v_scope.account_ids := array(
    select unnest(v_scope.account_ids)
    union
    select o.account_id from public.orders o where o.id = any (v_scope.order_ids));
  v_scope.variant_ids := array(
    select i.variant_id from public.order_items i where i.order_id = any (v_scope.order_ids)
    union
    select v.id from public.variants v where v.id = any (v_streams)
    union
    select l.variant_id from public.stock_reservation_lines l where l.reservation_id = any (v_streams));
  return v_scope;
end $$;
comment on function ledger.changed_since(bigint) is 'Accounts, orders and variants that events from a transaction id on are about.';
