/*
 * Whether an order may go on with something due: it was given time and that is not over, or it was placed on
 * invoice and the invoice is not overdue. A receipt that is looked at keeps an order from expiring, and gives it
 * no more time to go out.
 */
create function ledger.may_owe(p_account_id uuid, p_order_id uuid, p_payment_status text, p_payment_method text)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (p_payment_status in ('in_grace', 'receipt_uploaded') and exists (
      select from public.payment_deadlines d
      where d.order_id = p_order_id and d.account_id = p_account_id and d.status = 'open' and d.due_at > clock_timestamp()))
    or (p_payment_method = 'invoice' and exists (
      select from public.invoices i
      where i.order_id = p_order_id and i.account_id = p_account_id and i.kind = 'invoice' and i.status = 'issued'
        and i.due_at > clock_timestamp()));
end $$;
comment on function ledger.may_owe(uuid, uuid, text, text) is
  'Whether a status change that needs the money goes without it: the time the order was given is not over, or it is on an invoice that is not overdue.';
