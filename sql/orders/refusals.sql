/* Why an order's items, discount code or next status are refused, each as a refusal or null. */

/* What is wrong with the shape of p_items, as a refusal; null when nothing is. */
create function ledger.refuse_item_shape(p_items jsonb)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_max_lines integer := ledger.setting_text('max_order_lines')::integer;
  v_max_quantity integer := ledger.setting_text('max_line_quantity')::integer;
  v_bad record;
begin
  if coalesce(jsonb_typeof(p_items), 'null') <> 'array' then
    return ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_items',
      'problem', 'must be a JSON array such as [{"variant_id": "...", "quantity": 1}]'));
  elsif jsonb_array_length(p_items) = 0 then
    return ledger.refuse('empty_order');
  elsif jsonb_array_length(p_items) > v_max_lines then
    return ledger.refuse('too_many_lines', jsonb_build_object('maximum', v_max_lines, 'lines', jsonb_array_length(p_items)));
  end if;

  select e.line, e.item, case
    when jsonb_typeof(e.item) <> 'object' then 'must be an object with variant_id and quantity'
    when jsonb_typeof(e.item -> 'variant_id') is distinct from 'string' then 'variant_id is missing or no text'
    when e.item ->> 'variant_id' !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then 'variant_id is no UUID'
    when jsonb_typeof(e.item -> 'quantity') is distinct from 'number' then 'quantity'
    when (e.item ->> 'quantity')::numeric not between 1 and v_max_quantity
      or (e.item ->> 'quantity')::numeric <> trunc((e.item ->> 'quantity')::numeric) then 'quantity'
  end as problem
  into v_bad
  from jsonb_array_elements(p_items) with ordinality e (item, line)
  where not coalesce(
    jsonb_typeof(e.item) = 'object'
    and jsonb_typeof(e.item -> 'variant_id') = 'string'
    and e.item ->> 'variant_id' ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    and case when jsonb_typeof(e.item -> 'quantity') = 'number'
             then (e.item ->> 'quantity')::numeric between 1 and v_max_quantity
                  and (e.item ->> 'quantity')::numeric = trunc((e.item ->> 'quantity')::numeric) end, false)
  order by e.line
  limit 1;
  if not found then
    return null;
  end if;
  return case v_bad.problem
    when 'quantity' then ledger.refuse('invalid_quantity', jsonb_build_object('line', v_bad.line, 'maximum', v_max_quantity,
      'quantity', left(coalesce((v_bad.item -> 'quantity')::text, 'missing'), 50)))
    else ledger.refuse('invalid_items', jsonb_build_object('line', v_bad.line, 'problem', v_bad.problem)) end;
end $$;
comment on function ledger.refuse_item_shape(jsonb) is 'The refusal for a p_items of the wrong shape, or null.';

/* Whether a discount code can be used on goods of this subtotal; read without locks. */
create function ledger.refuse_discount(p_code public.discount_codes, p_asked text, p_currency text, p_subtotal bigint, p_account_id uuid)
returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_code.id is null or not p_code.is_active or clock_timestamp() < p_code.valid_from or clock_timestamp() >= p_code.valid_until then
      ledger.refuse('discount_code_invalid', jsonb_build_object('code', p_asked))
    when p_code.currency <> p_currency then
      ledger.refuse('discount_code_not_applicable', jsonb_build_object('code', p_asked, 'condition', 'an order in ' || p_code.currency))
    when p_subtotal < p_code.minimum_subtotal_amount then
      ledger.refuse('discount_code_not_applicable', jsonb_build_object('code', p_asked,
        'condition', 'goods for at least ' || ledger.format_money(p_code.minimum_subtotal_amount, p_code.currency)))
    when p_code.max_redemptions <= (select u.redemptions from public.discount_usage u where u.discount_code_id = p_code.id) then
      ledger.refuse('discount_code_exhausted', jsonb_build_object('code', p_asked))
    when p_code.max_redemptions_per_customer <= (
      select count(*) from public.discount_redemptions r
      where r.discount_code_id = p_code.id and r.account_id = p_account_id and r.released_at is null) then
      ledger.refuse('discount_code_already_used', jsonb_build_object('code', p_asked, 'maximum', p_code.max_redemptions_per_customer))
  end;
$$;
comment on function ledger.refuse_discount(public.discount_codes, text, text, bigint, uuid) is
  'The refusal for a discount code that cannot be used here, or null.';

/* Why an order cannot go from its present status to another, or null; the order is locked. */
create function ledger.refuse_transition(p_order public.orders, p_to text)
returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when t.to_status is null then ledger.refuse('invalid_transition', jsonb_build_object(
      'order_number', p_order.order_number, 'from', p_order.status, 'to', p_to,
      'possible', coalesce((select string_agg(a.to_status, ', ' order by a.to_status)
                            from public.order_status_transitions a where a.from_status = p_order.status), 'none, it is final')))
    when t.needs_payment and p_order.payment_status not in ('paid', 'overpaid', 'in_grace') then
      ledger.refuse('payment_required', jsonb_build_object('order_number', p_order.order_number, 'to', p_to,
        'due', p_order.amount_due, 'currency', p_order.currency))
  end
  from (select 1) one
  left join public.order_status_transitions t on t.from_status = p_order.status and t.to_status = p_to;
$$;
comment on function ledger.refuse_transition(public.orders, text) is 'The refusal for a status change of this order, or null.';
