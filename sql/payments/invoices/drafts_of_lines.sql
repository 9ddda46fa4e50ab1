/* Lines of a free invoice as they are asked for: [{"description", "quantity", "unit_price_amount", "discount_amount", "tax_rate_bp", "sku"}]. */

/* What is wrong with such a list, as a refusal; null when nothing is. */
create function ledger.refuse_invoice_lines(p_lines jsonb)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_bad record;
begin
  if coalesce(jsonb_typeof(p_lines), 'null') <> 'array' or jsonb_array_length(p_lines) not between 1 and 1000 then
    return ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_lines', 'problem',
      'a JSON array of 1 to 1000 lines such as [{"description": "Set-up", "quantity": 1, "unit_price_amount": 5000}]'));
  end if;
  select c.place, c.problem into v_bad
  from (
    select e.place, case
      when jsonb_typeof(e.line) <> 'object' then 'must be an object'
      when exists (select from jsonb_object_keys(e.line) k (name)
                   where k.name not in ('description', 'quantity', 'unit_price_amount', 'discount_amount', 'tax_rate_bp', 'sku')) then
        'may have description, quantity, unit_price_amount, discount_amount, tax_rate_bp and sku, and nothing else'
      when coalesce(jsonb_typeof(e.line -> 'description'), 'null') <> 'string' or length(trim(e.line ->> 'description')) not between 1 and 1000 then
        'description is a text of 1 to 1000 characters'
      when coalesce(jsonb_typeof(e.line -> 'sku'), 'null') not in ('string', 'null') or length(e.line ->> 'sku') > 200 then
        'sku is a text of at most 200 characters'
      when not ledger.is_whole_number(e.line -> 'quantity', 1, 1000000000000) then 'quantity is a whole number from 1 to 10^12'
      when not ledger.is_whole_number(e.line -> 'unit_price_amount', 0, 9007199254740991) then
        'unit_price_amount is a whole number of minor units, from zero'
      when jsonb_typeof(e.line -> 'tax_rate_bp') <> 'null' and not ledger.is_whole_number(e.line -> 'tax_rate_bp', 0, 10000) then
        'tax_rate_bp is a whole number from 0 to 10000'
      when (e.line ->> 'quantity')::numeric * (e.line ->> 'unit_price_amount')::numeric > 9007199254740991 then
        'quantity times unit_price_amount is too large'
      when jsonb_typeof(e.line -> 'discount_amount') <> 'null'
           and not ledger.is_whole_number(e.line -> 'discount_amount', 0,
             trunc((e.line ->> 'quantity')::numeric * (e.line ->> 'unit_price_amount')::numeric)::bigint) then
        'discount_amount is a whole number of minor units, and no more than the line'
    end as problem
    from jsonb_array_elements(p_lines) with ordinality e (line, place)) c
  where c.problem is not null
  order by c.place
  limit 1;
  return case when found then
    ledger.refuse('invalid_argument', jsonb_build_object('argument', format('p_lines, line %s', v_bad.place), 'problem', v_bad.problem)) end;
end $$;
comment on function ledger.refuse_invoice_lines(jsonb) is 'The refusal for lines of a free invoice, or null.';

/* Tax per line, half up, as for orders: on the line after its discount, or contained in it. */
create function ledger.draft_of_lines(p_lines jsonb, p_prices_include_tax boolean)
returns ledger.invoice_draft
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_default_rate integer := ledger.setting_text('tax_rate_bp')::integer;
  v_draft ledger.invoice_draft;
begin
  v_draft.refusal := ledger.refuse_invoice_lines(p_lines);
  if v_draft.refusal is not null then
    return v_draft;
  end if;
  v_draft := ledger.draft_of((
    select array_agg(row(l.place, trim(l.description), nullif(trim(l.sku), ''), l.quantity, l.price, l.quantity * l.price, l.discount, l.rate,
                         ledger.line_tax(l.quantity * l.price - l.discount, l.rate, p_prices_include_tax))::ledger.invoice_draft_line
                     order by l.place)
    from (select e.place, e.line ->> 'description' as description, e.line ->> 'sku' as sku,
                 (e.line ->> 'quantity')::numeric::bigint as quantity, (e.line ->> 'unit_price_amount')::numeric::bigint as price,
                 coalesce((e.line ->> 'discount_amount')::numeric::bigint, 0) as discount,
                 coalesce((e.line ->> 'tax_rate_bp')::numeric::integer, v_default_rate) as rate
          from jsonb_array_elements(p_lines) with ordinality e (line, place)) l), p_prices_include_tax);
  if v_draft.total_amount = 0 then
    v_draft.refusal := ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_lines', 'problem', 'they come to nothing'));
  end if;
  return v_draft;
end $$;
comment on function ledger.draft_of_lines(jsonb, boolean) is
  'A free invoice of lines as ledger_issue_invoice takes them, or the refusal. tax_rate_bp is the shop''s where a line says none.';
