create type public.ledger_continue_bulk_change_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  bulk_change_id uuid, asked_orders integer, waiting_orders integer, succeeded_orders integer, failed_orders integer
);

/*
 * Carries out the next orders of a bulk change that was asked for in background, and says how far it
 * is; to be repeated while orders wait. Each call is a transaction of its own, so nothing is locked
 * for long. A call too many does no harm: what is done is done once.
 */
create function public.ledger_continue_bulk_change(p_bulk_change_id uuid, p_limit integer default 100)
returns setof public.ledger_continue_bulk_change_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_bulk public.bulk_changes;
begin
  -- who may: whoever asked for it, so that the changes are theirs; and backends
  v_actor := ledger.require_permission(ledger.current_actor(), 'orders.read');

  -- check
  select b.* into v_bulk
  from public.bulk_changes b
  where b.id = p_bulk_change_id and (v_actor.is_system or (b.asked_by = v_actor.user_id and not b.asked_by_backend));
  if v_bulk.id is null then
    return next jsonb_populate_record(null::public.ledger_continue_bulk_change_result,
      ledger.refuse('bulk_change_not_found', jsonb_build_object('bulk_change_id', p_bulk_change_id)));
    return;
  elsif p_limit is null or p_limit not between 1 and 500 then
    return next jsonb_populate_record(null::public.ledger_continue_bulk_change_result,
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_limit', 'problem', 'a number from 1 to 500')));
    return;
  end if;

  -- write, and answer
  perform ledger.carry_out_bulk_change(p_bulk_change_id, p_limit);
  return query
    select true, null::uuid, null::text, null::text, null::jsonb,
           b.id, b.asked_orders, b.waiting_orders, b.succeeded_orders, b.failed_orders
    from public.bulk_changes b
    where b.id = p_bulk_change_id;
end $$;
revoke execute on function public.ledger_continue_bulk_change(uuid, integer) from public, anon;
grant execute on function public.ledger_continue_bulk_change(uuid, integer) to authenticated, service_role;
comment on function public.ledger_continue_bulk_change(uuid, integer) is
  'Carries out at most p_limit (1 to 500) waiting orders of a bulk change and answers its counts. For who asked for it, and backends. Errors: bulk_change_not_found, invalid_argument.';

/* One portion per turn: the locks of a second one would come after those of the first. */
create function ledger.continue_bulk_changes()
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_bulk_change_id uuid;
  v_taken integer;
begin
  for v_bulk_change_id in select b.id from public.bulk_changes b where b.waiting_orders > 0 order by b.id loop
    v_taken := ledger.carry_out_bulk_change(v_bulk_change_id, 500);
    if v_taken > 0 then
      return v_taken;
    end if;
  end loop;
  return 0;
end $$;
comment on function ledger.continue_bulk_changes() is
  'Job: carries out the next 500 orders of the oldest bulk change that waits and nobody is at; answers how many.';
