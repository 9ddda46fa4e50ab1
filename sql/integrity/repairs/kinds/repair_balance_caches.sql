/*
 * What payments have allocated, what is left of invoices and what an account owes, from invoices, payments
 * and allocations; only where the events and the movements of the debt say the same of it.
 */
create function ledger.repair_balance_caches(p_subject uuid)
returns ledger.repair
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_rows record;
  v_events record;
  v_moved record;
  v_repair ledger.repair;
begin
  if not exists (select from public.accounts a where a.id = p_subject) then
    return v_repair;
  end if;
  select r.* into v_rows from ledger.recomputed_debts(p_subject) r;
  select r.* into v_events from ledger.replayed_debts(p_subject) r;
  select coalesce(sum(m.invoiced_change), 0) as invoiced_amount, coalesce(sum(m.allocated_change), 0) as allocated_amount, coalesce(sum(m.unapplied_change), 0) as unapplied_amount
  into v_moved from public.debt_movements m where m.account_id = p_subject;
  v_repair.stream_type := 'account';
  v_repair.account_id := p_subject;
  v_repair.problem := case
    when (v_rows.invoiced_amount, v_rows.allocated_amount, v_rows.unapplied_amount) <> (v_events.invoiced_amount, v_events.allocated_amount, v_events.unapplied_amount) then
      format('invoices, allocations and remainders come to %s/%s/%s, the events to %s/%s/%s', v_rows.invoiced_amount, v_rows.allocated_amount,
             v_rows.unapplied_amount, v_events.invoiced_amount, v_events.allocated_amount, v_events.unapplied_amount)
    when (v_rows.invoiced_amount, v_rows.allocated_amount, v_rows.unapplied_amount) <> (v_moved.invoiced_amount, v_moved.allocated_amount, v_moved.unapplied_amount) then
      format('invoices, allocations and remainders come to %s/%s/%s, the movements of the debt to %s/%s/%s', v_rows.invoiced_amount, v_rows.allocated_amount,
             v_rows.unapplied_amount, v_moved.invoiced_amount, v_moved.allocated_amount, v_moved.unapplied_amount) end;
  v_repair.lines := (
    select jsonb_agg(l.line order by case d.kind when 'payment' then 1 when 'invoice' then 2 else 3 end, d.subject_id, l.place)
    from ledger.balance_differences(p_subject) d
    cross join lateral jsonb_array_elements(case d.kind
      when 'payment' then ledger.repair_lines('payments', jsonb_build_object('id', d.subject_id), d.cached, d.recomputed)
      when 'invoice' then ledger.repair_lines('invoice_balance_cache', jsonb_build_object('invoice_id', d.subject_id),
        case when exists (select from public.invoice_balance_cache b where b.invoice_id = d.subject_id) then jsonb_build_object('account_id', p_subject) || d.cached end,
        jsonb_build_object('account_id', p_subject) || d.recomputed)
      else ledger.repair_lines('account_debt_cache', jsonb_build_object('account_id', d.subject_id),
        case when exists (select from public.account_debt_cache c where c.account_id = d.subject_id) then d.cached end, d.recomputed - 'debt_amount')
      end) with ordinality l (line, place));
  return v_repair;
end $$;
comment on function ledger.repair_balance_caches(uuid) is 'What brings the kept sums of an account''s payments, invoices and debt to what their rows say.';
