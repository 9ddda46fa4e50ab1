/* Why an order's items, discount code or next status are refused, each as a refusal or null. */

/* What is wrong with p_items as a list, as a refusal; null when nothing is. */
create function ledger.refuse_item_list(p_items jsonb, p_settings jsonb)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_max_lines integer := (p_settings ->> 'max_order_lines')::integer;
begin
  if jsonb_typeof(p_items) = 'array' and jsonb_array_length(p_items) between 1 and v_max_lines then
    return null;
  end if;
  return case
    when coalesce(jsonb_typeof(p_items), 'null') <> 'array' then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_items',
        'problem', 'must be a JSON array such as [{"variant_id": "...", "quantity": 1}]'))
    when jsonb_array_length(p_items) = 0 then ledger.refuse('empty_order')
    when jsonb_array_length(p_items) > v_max_lines then
      ledger.refuse('too_many_lines', jsonb_build_object('maximum', v_max_lines, 'lines', jsonb_array_length(p_items)))
  end;
end $$;
comment on function ledger.refuse_item_list(jsonb, jsonb) is 'The refusal for a p_items that is no list of the right length, or null.';

/* Why the lines of a list cannot be priced: the first one of the wrong shape, else the first that names nothing on sale. */
create function ledger.refuse_lines(p_items jsonb, p_settings jsonb)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_max_quantity integer := (p_settings ->> 'max_line_quantity')::integer;
  v_bad record;
begin
  select e.line, e.item, case
    when jsonb_typeof(e.item) <> 'object' then 'must be an object with variant_id and quantity'
    when jsonb_typeof(e.item -> 'variant_id') is distinct from 'string' then 'variant_id is missing or no text'
    when e.item ->> 'variant_id' !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then 'variant_id is no UUID'
    else 'quantity'
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
  if found then
    return case v_bad.problem
      when 'quantity' then ledger.refuse('invalid_quantity', jsonb_build_object('line', v_bad.line, 'maximum', v_max_quantity,
        'quantity', left(coalesce((v_bad.item -> 'quantity')::text, 'missing'), 50)))
      else ledger.refuse('invalid_items', jsonb_build_object('line', v_bad.line, 'problem', v_bad.problem)) end;
  end if;

  select e.line, (e.item ->> 'variant_id')::uuid as variant_id, v.name as variant_name, p.name as product_name into v_bad
  from jsonb_array_elements(p_items) with ordinality e (item, line)
  left join public.variants v on v.id = (e.item ->> 'variant_id')::uuid
  left join public.products p on p.id = v.product_id
  where (v.is_active and p.is_active) is not true
  order by e.line
  limit 1;
  return case
    when not found then null
    when v_bad.variant_name is null then
      ledger.refuse('variant_not_found', jsonb_build_object('line', v_bad.line, 'variant_id', v_bad.variant_id))
    else ledger.refuse('variant_unavailable', jsonb_build_object('line', v_bad.line, 'variant_id', v_bad.variant_id,
           'name', ledger.item_name(v_bad.product_name, v_bad.variant_name))) end;
end $$;
comment on function ledger.refuse_lines(jsonb, jsonb) is 'The refusal for lines of which one has the wrong shape or names nothing on sale, or null.';

/* The variants of one order have one currency. */
create function ledger.refuse_currencies(p_lines ledger.priced_line[])
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return ledger.refuse('currency_mismatch', jsonb_build_object('currencies', (
    select string_agg(distinct v.currency, ', ' order by v.currency)
    from public.variants v
    where v.id in (select l.variant_id from unnest(p_lines) l))));
end $$;
comment on function ledger.refuse_currencies(ledger.priced_line[]) is 'The refusal for lines in more than one currency.';

/* Whether a discount code can be used on goods of this subtotal; read without locks. */
create function ledger.refuse_discount(p_code public.discount_codes, p_asked text, p_currency text, p_subtotal bigint, p_account_id uuid)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
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
end $$;
comment on function ledger.refuse_discount(public.discount_codes, text, text, bigint, uuid) is
  'The refusal for a discount code that cannot be used here, or null.';

/* Why an order cannot go from its present status to another, or null; the order is locked. */
create function ledger.refuse_transition(p_order public.orders, p_to text)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_transition public.order_status_transitions;
begin
  select t.* into v_transition
  from public.order_status_transitions t
  where t.from_status = p_order.status and t.to_status = p_to;
  if not found then
    return ledger.refuse('invalid_transition', jsonb_build_object(
      'order_number', p_order.order_number, 'from', p_order.status, 'to', p_to,
      'possible', coalesce((select string_agg(a.to_status, ', ' order by a.to_status)
                            from public.order_status_transitions a where a.from_status = p_order.status), 'none, it is final')));
  elsif v_transition.needs_payment and p_order.amount_due > 0 and not ledger.may_owe(
    p_order.account_id, p_order.id, p_order.payment_status, p_order.payment_method) then
    return ledger.refuse('payment_required', jsonb_build_object('order_number', p_order.order_number, 'to', p_to,
      'due', p_order.amount_due, 'currency', p_order.currency));
  end if;
  return null;
end $$;
comment on function ledger.refuse_transition(public.orders, text) is 'The refusal for a status change of this order, or null.';

/* The permission that the row of a status change names; a change that is in no row is refused elsewhere. */
create function ledger.require_transition(p_actor ledger.actor, p_from text, p_to text)
returns ledger.actor
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_permission text := (select t.permission from public.order_status_transitions t where t.from_status = p_from and t.to_status = p_to);
begin
  return case when v_permission is null then p_actor else ledger.require_permission(p_actor, v_permission) end;
end $$;
comment on function ledger.require_transition(ledger.actor, text, text) is 'The actor; raises 42501 when they may not make this status change.';

/* What is wrong with a status change as it was asked for, or why this order, which is locked, cannot make it; null when it can. */
create function ledger.refuse_status_change(
  p_order public.orders, p_order_id uuid, p_old_status text, p_new_status text, p_amount bigint, p_metadata jsonb, p_actor_action text)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_old text := lower(trim(p_old_status));
  v_new text := lower(trim(p_new_status));
  v_statuses text[] := ledger.order_statuses();
begin
  return case
    when p_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when v_new is null or v_new <> all (v_statuses) or v_old is null or v_old <> all (v_statuses) then
      ledger.refuse('unknown_status', jsonb_build_object('known', array_to_string(v_statuses, ', '),
        'status', case when v_new = any (v_statuses) then coalesce(p_old_status, 'null') else coalesce(p_new_status, 'null') end))
    when coalesce(jsonb_typeof(p_metadata), 'object') <> 'object' or octet_length(p_metadata::text) > 16384
      or coalesce(jsonb_typeof(p_metadata -> 'restock'), 'boolean') <> 'boolean' then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_metadata',
        'problem', 'a JSON object of at most 16 KB; "restock" in it is true or false'))
    when length(p_actor_action) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_actor_action', 'problem', 'at most 2000 characters'))
    when v_old <> p_order.status then ledger.refuse('status_conflict', jsonb_build_object(
      'order_number', p_order.order_number, 'status', p_order.status, 'expected', v_old))
    when p_amount is distinct from p_order.total_amount then ledger.refuse('amount_mismatch', jsonb_build_object(
      'order_number', p_order.order_number, 'total', p_order.total_amount, 'amount', coalesce(p_amount, 0), 'currency', p_order.currency))
    else ledger.refuse_transition(p_order, v_new)
  end;
end $$;
comment on function ledger.refuse_status_change(public.orders, uuid, text, text, bigint, jsonb, text) is
  'The refusal for a status change with these arguments (as of ledger_change_order_status), or null.';
