/*
 * Counters of rows: redemptions of a discount code, rows of an import. A redemption that its order does not
 * bear out, or an order that has none and should, is a row that was changed: then nobody knows the number.
 */
create function ledger.repair_discount_usage(p_subject uuid)
returns ledger.repair
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_usage public.discount_usage;
  v_repair ledger.repair;
begin
  select u.* into v_usage from public.discount_usage u where u.discount_code_id = p_subject;
  if found then
    v_repair.stream_type := 'discount_code';
    v_repair.problem := (
      select format('order %s has %s redemption of it, and should have %s', coalesce(o.id, r.order_id),
                    case when r.order_id is null then 'no' else 'a' end, case when o.id is null then 'none' else 'one' end)
      from (select n.id
            from public.orders n
            where n.discount_code_id = p_subject
              -- one that ended before it was delivered has given its code back
              and (n.status not in ('cancelled', 'refunded')
                   or exists (select from public.order_status_history h where h.order_id = n.id and h.status = 'delivered'))) o
      full join (select * from public.discount_redemptions where discount_code_id = p_subject and released_at is null) r on r.order_id = o.id
      where o.id is null or r.order_id is null
      limit 1);
    v_repair.lines := ledger.repair_lines('discount_usage', jsonb_build_object('discount_code_id', p_subject),
      jsonb_build_object('redemptions', v_usage.redemptions),
      jsonb_build_object('redemptions', (select count(*) from public.discount_redemptions r where r.discount_code_id = p_subject and r.released_at is null)));
  end if;
  return v_repair;
end $$;
comment on function ledger.repair_discount_usage(uuid) is 'What brings the counter of a discount code to its live redemptions.';

create function ledger.repair_import_counts(p_subject uuid)
returns ledger.repair
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run public.import_runs;
  v_repair ledger.repair;
begin
  select r.* into v_run from public.import_runs r where r.id = p_subject;
  if found then
    v_repair.stream_type := 'import';
    v_repair.lines := ledger.repair_lines('import_runs', jsonb_build_object('id', p_subject), to_jsonb(v_run), (
      select jsonb_build_object('staged_rows', count(*), 'applied_rows', count(*) filter (where w.state = 'applied'),
                                'skipped_rows', count(*) filter (where w.state = 'skipped'), 'rejected_rows', count(*) filter (where w.state = 'rejected'))
      from public.import_rows w
      where w.run_id = p_subject));
  end if;
  return v_repair;
end $$;
comment on function ledger.repair_import_counts(uuid) is 'What brings the counters of an import to its rows.';
