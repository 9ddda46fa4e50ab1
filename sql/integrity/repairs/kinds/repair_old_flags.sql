/*
 * The old flags of an account, while they are kept, from what is allocated. A payment that went to several
 * invoices names none until all of it is reversed, so a flag may be silent, but never name a wrong one.
 */
create function ledger.repair_old_flags(p_subject uuid)
returns ledger.repair
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_repair ledger.repair;
begin
  if not exists (select from public.accounts a where a.id = p_subject) then
    return v_repair;
  end if;
  v_repair.stream_type := 'account';
  v_repair.account_id := p_subject;
  if (select f.state from public.feature_flags f where f.key = 'allocation_dual_write') = 'off' then
    return v_repair;
  end if;
  with live as (
    select l.payment_id, l.invoice_id, sum(l.allocated_amount)::bigint as amount
    from public.payment_allocations l
    where l.account_id = p_subject
    group by l.payment_id, l.invoice_id
    having sum(l.allocated_amount) <> 0),
  by_payment as (
    select l.payment_id, sum(l.amount)::bigint as amount, case when count(*) = 1 then (array_agg(l.invoice_id))[1] end as invoice_id from live l group by l.payment_id),
  flags as (
    select 1 as kind, coalesce(f.payment_id, b.payment_id) as id, 'old_payment_flags' as relation, 'payment_id' as key, to_jsonb(f) as old,
           jsonb_build_object('account_id', p_subject, 'allocated_amount', coalesce(b.amount, 0), 'invoice_id',
             case when f.payment_id is null or f.invoice_id is not null then b.invoice_id end) as new
    from (select n.* from public.old_payment_flags n where n.account_id = p_subject) f
    full join by_payment b on b.payment_id = f.payment_id
    union all
    select 2, b.invoice_id, 'old_invoice_flags', 'invoice_id', to_jsonb(f),
           jsonb_build_object('account_id', p_subject, 'amount', b.amount, 'paid_amount', b.allocated_total)
    from public.invoice_balance_cache b
    left join public.old_invoice_flags f on f.invoice_id = b.invoice_id
    where b.account_id = p_subject)
  select jsonb_agg(l.line order by f.kind, f.id, l.place) into v_repair.lines
  from flags f
  cross join lateral jsonb_array_elements(ledger.repair_lines(f.relation, jsonb_build_object(f.key, f.id), f.old, f.new)) with ordinality l (line, place);
  return v_repair;
end $$;
comment on function ledger.repair_old_flags(uuid) is 'What brings the old flags of an account to what is allocated; nothing while they are not kept.';
