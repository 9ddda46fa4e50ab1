/* An invoice or credit note before it has a number. Amounts in minor units. */
create type ledger.invoice_draft_line as (
  line_number integer,
  description text,
  sku text,
  quantity bigint,
  unit_price_amount bigint,
  total_price_amount bigint,
  discount_amount bigint,
  tax_rate_bp integer,
  tax_amount bigint
);

create type ledger.invoice_draft as (
  refusal jsonb,
  prices_include_tax boolean,
  subtotal_amount bigint,
  discount_amount bigint,
  shipping_amount bigint,
  tax_amount bigint,
  total_amount bigint,
  prepaid_amount bigint,
  lines ledger.invoice_draft_line[],
  customer_name text,
  billing_address jsonb,
  series text,
  due_at timestamptz,
  reference text,
  notes text,
  source text,
  external_id text,
  invoice_number text,
  issued_at timestamptz
);
comment on type ledger.invoice_draft is
  'Totals and lines, or the refusal. Left null: series (invoice or credit_note), due_at (by the terms of the account), customer_name (of the profile), source (issued), issued_at (now). An imported one (source import) brings invoice_number and has no series.';

/* Lines with their totals as a draft: what a header says always follows from its lines and the shipping. */
create function ledger.draft_of(p_lines ledger.invoice_draft_line[], p_prices_include_tax boolean, p_shipping_amount bigint default 0)
returns ledger.invoice_draft
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_draft ledger.invoice_draft;
  v_total numeric;
begin
  select coalesce(sum(l.total_price_amount), 0), coalesce(sum(l.discount_amount), 0), coalesce(sum(l.tax_amount), 0)
  into v_draft.subtotal_amount, v_draft.discount_amount, v_draft.tax_amount
  from unnest(p_lines) l;
  v_draft.prices_include_tax := p_prices_include_tax;
  v_draft.shipping_amount := p_shipping_amount;
  v_draft.prepaid_amount := 0;
  v_draft.lines := p_lines;
  v_total := v_draft.subtotal_amount - v_draft.discount_amount + p_shipping_amount
             + case when p_prices_include_tax then 0 else v_draft.tax_amount end;
  if greatest(v_total, v_draft.subtotal_amount, v_draft.tax_amount) > 9007199254740991 then
    v_draft.refusal := ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991));
  else
    v_draft.total_amount := v_total;
  end if;
  return v_draft;
end $$;
comment on function ledger.draft_of(ledger.invoice_draft_line[], boolean, bigint) is
  'A draft of these lines: subtotal before discount, tax by line, total. Refuses amounts that are too large.';
