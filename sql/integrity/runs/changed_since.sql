/*
 * What has changed since a horizon. Every operation writes an event with its transaction's id, so all that
 * happened since a snapshot is in events from its oldest running transaction on; some of what was
 * looked at before is looked at again. Hand edits with the guards off leave no event: a run of everything
 * finds them.
 *
 * A run of what has changed must cost what changed: an account of more than 500 transactions, and a
 * variant of as many movements, is looked at by its changed orders and its last row only. Its whole
 * history is added up by the run of everything.
 */
create function ledger.changed_since(p_horizon bigint, p_long_history bigint default 500)
returns ledger.integrity_scope
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_scope ledger.integrity_scope;
  v_streams uuid[];
  v_first_at timestamptz;
begin
  v_scope.kind := 'changed';
  select coalesce(array_agg(distinct e.account_id) filter (where e.account_id is not null), '{}'), coalesce(array_agg(distinct e.stream_id), '{}'),
         min(e.occurred_at)
  into v_scope.touched_account_ids, v_streams, v_first_at
  from public.immutable_events e
  where e.written_by_xid >= p_horizon;

  -- an order that another stream's event moved (a payment on its invoice) was written to in the same transaction
  v_scope.order_ids := array(
    select o.id from public.orders o where o.id = any (v_streams)
    union
    select o.id
    from public.accounts a
    join public.orders o on o.user_id = a.user_id and o.account_id = a.id
    where a.id = any (v_scope.touched_account_ids) and o.updated_at >= v_first_at - interval '1 hour');
  -- an order's books are its account's, whoever's account the event was about
  v_scope.touched_account_ids := array(
    select unnest(v_scope.touched_account_ids)
    union
    select o.account_id from public.orders o where o.id = any (v_scope.order_ids));
  v_scope.touched_variant_ids := array(
    select i.variant_id from public.order_items i where i.order_id = any (v_scope.order_ids)
    union
    -- an edit may have taken the last line of a variant out
    select (c.change ->> 'variant_id')::uuid
    from public.immutable_events e
    cross join lateral jsonb_array_elements(e.payload -> 'changes') c (change)
    where e.written_by_xid >= p_horizon and e.event_type = 'order.edited'
    union
    select v.id from public.variants v where v.id = any (v_streams)
    union
    select l.variant_id from public.stock_reservation_lines l where l.reservation_id = any (v_streams));

  v_scope.account_ids := array(
    select a.id from public.accounts a where a.id = any (v_scope.touched_account_ids) and a.version <= p_long_history);
  v_scope.variant_ids := array(
    select s.variant_id from public.stock_levels s where s.variant_id = any (v_scope.touched_variant_ids)
    group by s.variant_id having sum(s.version) <= p_long_history);
  return v_scope;
end $$;
comment on function ledger.changed_since(bigint, bigint) is
  'Orders that events from a transaction id on are about, the accounts and variants of these events (touched), and those of them with at most p_long_history rows of it.';
