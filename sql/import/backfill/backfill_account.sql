/*
 * Allocates the flagged payments of an account as ledger.plan_backfill says, one payment after the other, by
 * rows marked synthetic. Answers how much, in minor units. The caller has set ledger.procedure.
 */
create function ledger.backfill_account(p_account_id uuid, p_run_id uuid, p_actor ledger.actor, p_correlation_id uuid)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_part record;
  v_allocated bigint := 0;
begin
  -- lock: account, payments, invoices
  perform from public.accounts a where a.id = p_account_id for no key update;
  perform from public.payments p
  where p.account_id = p_account_id and p.id in (select f.payment_id from ledger.flagged_payments(p_account_id, p_run_id) f)
  order by p.id
  for no key update;
  perform from public.invoices i
  where i.account_id = p_account_id and i.id in (select c.invoice_id from ledger.claiming_invoices(p_account_id) c)
  order by i.id
  for no key update;

  -- write
  for v_part in
    select b.payment_id, b.run_id, array_agg(row(b.invoice_id, b.amount)::ledger.allocation_line order by b.is_claimed desc, i.issued_at, i.id) as lines
    from ledger.plan_backfill(p_account_id, p_run_id) b
    join public.invoices i on i.id = b.invoice_id
    join public.payments p on p.id = b.payment_id
    group by b.payment_id, b.run_id, p.paid_at
    order by p.paid_at, b.payment_id
  loop
    v_allocated := v_allocated + (ledger.allocate(p_account_id, v_part.payment_id, v_part.lines, 'auto', p_actor, p_correlation_id,
                                                  p_synthetic => true, p_import_run_id => v_part.run_id)).allocated_amount;
  end loop;
  return v_allocated;
end $$;
comment on function ledger.backfill_account(uuid, uuid, ledger.actor, uuid) is
  'Backfills the allocations of one account; answers what was allocated, in minor units.';

/* Accounts of the flagged payments of a run, in the order in which a backfill goes through them. */
create function ledger.accounts_to_backfill(p_run_id uuid, p_after uuid default null, p_limit integer default null)
returns uuid[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(a.account_id order by a.account_id), '{}')
  from (select distinct p.account_id
        from public.import_rows w
        join public.payments p on p.id = w.target_id
        where w.run_id = p_run_id and w.state = 'applied' and w.parsed ->> 'is_allocated' = 'true' and (p_after is null or p.account_id > p_after)
        order by p.account_id
        limit p_limit) a;
$$;
comment on function ledger.accounts_to_backfill(uuid, uuid, integer) is 'Accounts with flagged payments of a run, behind p_after.';

/*
 * Takes back live synthetic allocations that a backfill of the run made, of at most p_limit of them, by
 * rows that reverse them: payment_allocations never changes, so "dropped" means reversed. What people have
 * allocated stays, and with p_since what an earlier backfill made. Answers how much is taken back, in minor units.
 */
create function ledger.drop_synthetic_allocations(
  p_run_id uuid, p_limit integer, p_actor ledger.actor, p_reason text, p_since timestamptz default null)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_part record;
  v_dropped bigint := 0;
begin
  for v_part in
    select l.account_id, array_agg(l.id order by l.id) as ids, array_agg(l.payment_id) as payment_ids, array_agg(l.invoice_id) as invoice_ids
    from (select a.id, a.account_id, a.payment_id, a.invoice_id
          from public.payment_allocations a
          where a.import_run_id = p_run_id and a.synthetic and a.reverses_allocation_id is null and (p_since is null or a.created_at >= p_since)
            and not exists (select from public.payment_allocations r where r.reverses_allocation_id = a.id)
          order by a.account_id, a.id
          limit p_limit) l
    group by l.account_id
    order by l.account_id
  loop
    -- lock: account, payments, invoices; somebody may have reversed some in between
    perform from public.accounts a where a.id = v_part.account_id for no key update;
    perform from public.payments p where p.account_id = v_part.account_id and p.id = any (v_part.payment_ids) order by p.id for no key update;
    perform from public.invoices i where i.account_id = v_part.account_id and i.id = any (v_part.invoice_ids) order by i.id for no key update;
    v_part.ids := array(
      select n.id from unnest(v_part.ids) n (id)
      where not exists (select from public.payment_allocations r where r.reverses_allocation_id = n.id) order by n.id);
    continue when v_part.ids = '{}';
    v_dropped := v_dropped - (ledger.reverse_allocations(v_part.account_id, v_part.ids, p_actor, p_reason, ledger.correlation_id())).allocated_amount;
  end loop;
  return v_dropped;
end $$;
comment on function ledger.drop_synthetic_allocations(uuid, integer, ledger.actor, text, timestamptz) is
  'Reverses synthetic allocations of a run, and only them; answers what was taken back, in minor units.';

create function ledger.has_synthetic_allocations(p_run_id uuid, p_since timestamptz default null)
returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select from public.payment_allocations a
    where a.import_run_id = p_run_id and a.synthetic and a.reverses_allocation_id is null and (p_since is null or a.created_at >= p_since)
      and not exists (select from public.payment_allocations r where r.reverses_allocation_id = a.id));
$$;
comment on function ledger.has_synthetic_allocations(uuid, timestamptz) is 'Whether synthetic allocations of a run are live, of those made since a time.';
