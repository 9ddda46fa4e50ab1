create type public.integrity_replay_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  accounts bigint, orders bigint, variants bigint, differences bigint, not_recorded bigint, rows jsonb
);

/*
 * Rebuilds an account, an order, the stock of a variant, or everything from immutable_events alone, and
 * compares it with what is stored. Exact: nothing is rounded and no difference is small enough. Source 002 (E-C2).
 */
create function public.integrity_replay(
  p_account_id uuid default null, p_order_id uuid default null, p_variant_id uuid default null, p_all boolean default false)
returns setof public.integrity_replay_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_all boolean := coalesce(p_all, false);
  v_refusal jsonb;
  v_result public.integrity_replay_result;
begin
  -- who may
  perform ledger.require_permission(ledger.current_actor(), 'audit.read');

  -- check: one thing is asked, and somebody has heard of it; a row that is gone is still in the events
  v_refusal := case
    when num_nonnulls(p_account_id, p_order_id, p_variant_id) + v_all::integer <> 1 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_account_id, p_order_id, p_variant_id, p_all', 'problem', 'exactly one of them'))
    when p_account_id is not null and not exists (select from public.accounts a where a.id = p_account_id)
      and not exists (select from ledger.replayed_accounts(array[p_account_id])) then
      ledger.refuse('account_not_found', jsonb_build_object('account_id', p_account_id))
    when p_order_id is not null and not exists (select from public.orders o where o.id = p_order_id)
      and not exists (select from ledger.replayed_orders(array[p_order_id])) then
      ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when p_variant_id is not null and not exists (select from public.stock_levels s where s.variant_id = p_variant_id)
      and not exists (select from ledger.replayed_stock(array[p_variant_id])) then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_variant_id', 'problem', 'there is no such product variant'))
  end;
  if v_refusal is not null then
    return next jsonb_populate_record(v_result, v_refusal);
    return;
  end if;

  -- answer
  with compared as (
    select f.*, row_number() over (order by f.kind, f.subject, f.what) as number
    from ledger.replay_facts(
      case when not v_all then array_remove(array[p_account_id], null) end,
      case when not v_all then array_remove(array[p_order_id], null) end,
      case when not v_all then array_remove(array[p_variant_id], null) end, v_all) f)
  select count(*) filter (where c.is_recorded and c.replayed is distinct from c.stored), count(*) filter (where not c.is_recorded),
         coalesce(jsonb_agg(jsonb_build_object('kind', c.kind, 'subject', c.subject, 'what', c.what, 'replayed', c.replayed, 'stored', c.stored,
                                               'is_equal', case when c.is_recorded then c.replayed is not distinct from c.stored end)
                            order by c.number) filter (where c.number <= 1000), '[]')
  into v_result.differences, v_result.not_recorded, v_result.rows
  from compared c;
  v_result.success := true;
  v_result.accounts := case when v_all then (select count(*) from public.accounts) else num_nonnulls(p_account_id) end;
  v_result.orders := case when v_all then (select count(*) from public.orders) else num_nonnulls(p_order_id) end;
  v_result.variants := case when v_all then (select count(*) from public.variants) else num_nonnulls(p_variant_id) end;
  return next v_result;
end $$;
revoke execute on function public.integrity_replay(uuid, uuid, uuid, boolean) from public, anon;
grant execute on function public.integrity_replay(uuid, uuid, uuid, boolean) to authenticated, service_role;
comment on function public.integrity_replay(uuid, uuid, uuid, boolean) is
  'Replays an account (p_account_id: totals, balance, version, freeze, debt), an order (p_order_id: status, payment status, amounts), the stock of a variant (p_variant_id: units on hand and held) or everything (p_all) from the events alone and compares it with what is stored. rows: [{"kind": account | order | variant, "subject": id, "what", "replayed", "stored", "is_equal"}], with p_all only what differs, the first 1000; is_equal and replayed are null where events of before did not say enough (not_recorded counts them). Amounts in minor units. accounts, orders, variants: how many were looked at. With p_all it reads every event: of a large shop call it with a statement_timeout to match. Needs audit.read. Errors: invalid_argument, account_not_found, order_not_found. Source 002.';
