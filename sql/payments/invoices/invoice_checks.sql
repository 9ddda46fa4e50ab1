/* What several procedures ask of invoices. */

create function ledger.live_invoice_number(p_account_id uuid, p_order_id uuid)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select i.invoice_number from public.invoices i
          where i.account_id = p_account_id and i.order_id = p_order_id and i.kind = 'invoice' and i.status = 'issued');
end $$;
comment on function ledger.live_invoice_number(uuid, uuid) is 'The number of an order''s live invoice; null when it has none.';

/* What an account owes stays exact: the refusal for a claim that would make it too much, or null. The account is locked. */
create function ledger.refuse_claim(p_account_id uuid, p_amount bigint)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
          from public.account_debt_cache c
          where c.account_id = p_account_id and c.invoiced_amount + p_amount > 9007199254740991);
end $$;
comment on function ledger.refuse_claim(uuid, bigint) is 'The refusal for claiming this much more of an account by an invoice, or null.';

/* The refusal for words about an invoice that are too long, or an address that is none; null when they are fine. */
create function ledger.refuse_invoice_texts(p_reference text, p_notes text, p_billing_address jsonb default null)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when length(p_reference) > 200 or length(p_notes) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reference, p_notes',
        'problem', 'a reference has at most 200 characters, notes at most 2000'))
    when coalesce(jsonb_typeof(p_billing_address), 'object') <> 'object' or octet_length(p_billing_address::text) > 4096 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_billing_address', 'problem', 'a JSON object of at most 4 KB'))
  end;
end $$;
comment on function ledger.refuse_invoice_texts(text, text, jsonb) is 'The refusal for reference, notes and billing address of an invoice, or null.';

/* An invoice can be due in the past (it was due when the goods went), but no year is mistyped. */
create function ledger.refuse_due_date(p_due_at timestamptz)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when p_due_at not between clock_timestamp() - interval '10 years' and clock_timestamp() + interval '10 years' then
    ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_due_at', 'problem', 'within ten years of today')) end;
end $$;
comment on function ledger.refuse_due_date(timestamptz) is 'The refusal for a due date that cannot be meant, or null.';

create function ledger.refuse_invoice_series(p_series text)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when not exists (select from public.invoice_series s where s.code = p_series and s.kind = 'invoice') then
    ledger.refuse('invoice_series_not_found', jsonb_build_object('series', coalesce(p_series, 'null'), 'available', (
      select string_agg(s.code, ', ' order by s.code) from public.invoice_series s where s.kind = 'invoice'))) end;
end $$;
comment on function ledger.refuse_invoice_series(text) is 'The refusal for a series that does not exist or is of credit notes, or null.';

/* Why a locked invoice cannot be changed any more: there is none, it is void, a credit note, or was changed in between. */
create function ledger.refuse_invoice_change(p_invoice public.invoices, p_invoice_id uuid, p_expected_version bigint)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when p_invoice.id is null then ledger.refuse('invoice_not_found', jsonb_build_object('invoice_id', p_invoice_id))
    when p_invoice.kind = 'credit_note' or p_invoice.status = 'void' then ledger.refuse('invoice_conflict', jsonb_build_object(
      'invoice_number', p_invoice.invoice_number, 'status', case p_invoice.status when 'void' then 'already void' else 'a credit note' end))
    when p_expected_version <> p_invoice.version then ledger.refuse('invoice_changed', jsonb_build_object(
      'invoice_number', p_invoice.invoice_number, 'version', p_invoice.version, 'expected', p_expected_version))
  end;
end $$;
comment on function ledger.refuse_invoice_change(public.invoices, uuid, bigint) is
  'The refusal for crediting, changing or voiding this invoice (its row, locked; of nulls when there is none), or null.';

/*
 * Locks an invoice in the order of locks: its order (which one it says for good), its account, itself. Answers its
 * row as it is then, of nulls when there is none.
 */
create function ledger.lock_invoice(p_invoice_id uuid)
returns public.invoices
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_invoice public.invoices;
begin
  select i.* into v_invoice from public.invoices i where i.id = p_invoice_id;
  if v_invoice.order_id is not null then
    perform from public.orders o where o.account_id = v_invoice.account_id and o.id = v_invoice.order_id for no key update;
  end if;
  perform from public.accounts a where a.id = v_invoice.account_id for no key update;
  select i.* into v_invoice from public.invoices i where i.account_id = v_invoice.account_id and i.id = p_invoice_id for no key update;
  return v_invoice;
end $$;
comment on function ledger.lock_invoice(uuid) is 'Locks the order and the account of an invoice, then the invoice; answers its row.';
