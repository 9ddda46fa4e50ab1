/* What the credit notes of an invoice gave back, from the notes. */
create function ledger.repair_invoice_credit(p_subject uuid)
returns ledger.repair
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_invoice public.invoices;
  v_noted bigint;
  v_repair ledger.repair;
begin
  select i.* into v_invoice from public.invoices i where i.id = p_subject and i.kind = 'invoice';
  if not found then
    return v_repair;
  end if;
  v_noted := coalesce((select sum(n.total_amount) from public.invoices n where n.credits_invoice_id = p_subject and n.kind = 'credit_note'), 0);
  v_repair.stream_type := 'invoice';
  v_repair.account_id := v_invoice.account_id;
  v_repair.problem := case when v_invoice.prepaid_amount + v_noted > v_invoice.total_amount then
    format('its credit notes come to %s, and only %s can be credited', v_noted, v_invoice.total_amount - v_invoice.prepaid_amount) end;
  v_repair.lines := ledger.repair_lines('invoices', jsonb_build_object('id', p_subject),
    jsonb_build_object('credited_amount', v_invoice.credited_amount), jsonb_build_object('credited_amount', v_noted));
  return v_repair;
end $$;
comment on function ledger.repair_invoice_credit(uuid) is 'What brings the credited amount of an invoice to its credit notes.';
