/*
 * Whether an order may go on with something due: its grace period runs, also while a receipt for it is
 * looked at, or it was placed on invoice and the invoice is not overdue.
 */
create function ledger.may_owe(p_account_id uuid, p_order_id uuid, p_payment_status text, p_payment_method text)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return p_payment_status = 'in_grace'
    or (p_payment_status = 'receipt_uploaded' and ledger.grace_of(p_order_id) is not null)
    or (p_payment_method = 'invoice' and exists (
      select from public.invoices i
      where i.order_id = p_order_id and i.account_id = p_account_id and i.kind = 'invoice' and i.status = 'issued'
        and i.due_at > clock_timestamp()));
end $$;
comment on function ledger.may_owe(uuid, uuid, text, text) is
  'Whether a status change that needs the money goes without it: the order is in its grace period, or on an invoice that is not overdue.';
