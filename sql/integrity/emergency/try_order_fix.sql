/* What of an order an emergency fix can change, as its answer shows it; amounts in minor units. */
create function ledger.state_of_order(p_order_id uuid)
returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('status', m.status, 'payment_status', m.payment_status, 'stage', m.stage, 'paid_amount', m.paid_amount,
                            'amount_due', m.amount_due, 'available_balance', a.available_balance)
  from public.order_management m
  join public.accounts a on a.id = m.account_id
  where m.order_id = p_order_id;
$$;
comment on function ledger.state_of_order(uuid) is 'Status, payment status, stage, paid and due amount of an order, and the balance of its customer.';

/*
 * What had left the house in the older system is nobody's news: messages about the status of such an order and its
 * parcels go. What was paid for it, and earned by it, is news.
 */
create function ledger.drop_messages_of_old_goods(p_order_id uuid, p_since timestamptz)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count integer;
begin
  delete from ledger.outbox m
  where m.id >= ledger.first_id_at(p_since)
    and m.type in ('order.status_changed', 'order.shipment_created', 'order.shipment_delivered')
    and exists (select from public.immutable_events e
                where e.id = m.event_id and e.occurred_at = m.created_at and e.stream_id = p_order_id
                  and e.written_by_xid = (pg_current_xact_id()::text)::bigint);
  get diagnostics v_count = row_count;
  return v_count;
end $$;
comment on function ledger.drop_messages_of_old_goods(uuid, timestamptz) is
  'Takes back the messages about status and parcels of an order that this transaction has written since p_since; answers how many.';

/*
 * One order in a subtransaction of its own: all of it is put right or nothing, and the others go on. Everything is
 * looked at anew under the locks, whatever an earlier dry run has said. A claim is settled when nothing is
 * left of it, also when people have seen to that, and leaves one event that says what was claimed, found and done.
 */
create function ledger.try_order_fix(p_order_id uuid, p_actor ledger.actor)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
  v_claim public.imported_order_claims;
  v_before jsonb := ledger.state_of_order(p_order_id);
  v_started timestamptz := clock_timestamp();
  v_claimed jsonb;
  v_problems text[];
  v_steps jsonb;
  v_refusal jsonb;
begin
  select o.* into v_order from public.orders o where o.id = p_order_id;
  select c.* into v_claim from public.imported_order_claims c where c.order_id = p_order_id and c.settled_at is null for no key update;
  v_problems := case when v_claim.order_id is null then '{}' else ledger.problems_left(v_claim, v_order) end;
  v_claimed := case when v_claim.order_id is not null then jsonb_strip_nulls(jsonb_build_object(
    'problems', v_claim.problems, 'status', v_claim.claimed_status, 'wallet_amount', nullif(v_claim.wallet_amount, 0), 'receipt_id', v_claim.receipt_id)) end;

  if v_claim.order_id is not null then
    begin
      v_steps := ledger.fix_imported_order(v_claim, v_order, p_actor);
      if v_claim.claimed_status in ('shipped', 'delivered') then
        perform ledger.drop_messages_of_old_goods(p_order_id, v_started);
      end if;
      update public.imported_order_claims c set settled_at = clock_timestamp(), settled_by = p_actor.user_id where c.order_id = p_order_id;
      perform ledger.record_operation('integrity.order_fixed', 'order', v_order.id, v_order.account_id,
        jsonb_build_object('order_number', v_order.order_number, 'user_id', v_order.user_id, 'currency', v_order.currency, 'claimed', v_claimed,
          'problems', v_problems, 'found', v_before - 'available_balance', 'steps', v_steps,
          'became', ledger.state_of_order(p_order_id) - 'available_balance'),
        p_actor, ledger.correlation_id());
    exception
      when sqlstate 'LREFU' then
        v_refusal := sqlerrm::jsonb;
      when others then
        v_refusal := ledger.refuse('bulk_item_failed', jsonb_build_object('order_id', p_order_id, 'problem', sqlerrm, 'sqlstate', sqlstate));
    end;
    if v_refusal is not null then
      v_steps := null;
      update public.imported_order_claims c set tried_at = clock_timestamp() where c.order_id = p_order_id;
    end if;
  end if;

  return jsonb_build_object(
    'order_id', v_order.id, 'order_number', v_order.order_number, 'user_id', v_order.user_id, 'currency', v_order.currency,
    'problems', v_problems, 'claimed', v_claimed, 'steps', coalesce(v_steps, '[]'),
    'outcome', case when v_refusal is not null then 'refused' when coalesce(v_steps, '[]') = '[]' then 'nothing_to_do' else 'fixed' end,
    'error_code', v_refusal -> 'error_code', 'error_message', v_refusal -> 'error_message', 'error_details', v_refusal -> 'error_details',
    'before', v_before, 'after', ledger.state_of_order(p_order_id));
end $$;
comment on function ledger.try_order_fix(uuid, ledger.actor) is
  'Puts a locked order right if anything is claimed of it; answers what integrity_emergency_order_fix says of it. Refusals: those of the wallet payment, the receipt''s review and the status changes; bulk_item_failed where nobody foresaw it.';
