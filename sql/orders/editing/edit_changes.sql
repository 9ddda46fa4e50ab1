/* What a call of ledger_edit_order asks for, taken apart: lines to change, and items to add. */
create type ledger.order_changes as (
  refusal jsonb,
  line_numbers integer[],
  quantities bigint[],
  added_items jsonb
);
comment on type ledger.order_changes is
  'quantities: of line_numbers, 0 removes; added_items: [{"variant_id", "quantity"}] or null. Or the refusal.';

/* Why a list of changes cannot be read: the first one of the wrong shape, or a line that is named twice. */
create function ledger.refuse_changes(p_changes jsonb, p_settings jsonb)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_max_lines integer := (p_settings ->> 'max_order_lines')::integer;
  v_max_quantity bigint := (p_settings ->> 'max_line_quantity')::bigint;
  v_bad record;
begin
  if jsonb_typeof(p_changes) is distinct from 'array' or jsonb_array_length(p_changes) not between 1 and v_max_lines then
    return ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_changes', 'problem',
      format('a JSON array of 1 to %s changes such as [{"line_number": 1, "quantity": 2}, {"variant_id": "...", "quantity": 1}]', v_max_lines)));
  end if;

  select c.place, c.change, c.problem into v_bad
  from (
    select e.place, e.change, case
      when jsonb_typeof(e.change) <> 'object' then 'must be an object'
      when (e.change ? 'line_number') = (e.change ? 'variant_id') then 'names either a line_number or a variant_id'
      when e.change ? 'variant_id' then null -- read like the items of a new order
      when not ledger.is_whole_number(e.change -> 'line_number', 1, 2147483647) then 'line_number is no line''s number'
      when not ledger.is_whole_number(e.change -> 'quantity', 0, v_max_quantity) then 'quantity'
      when count(*) filter (where e.change ? 'line_number') over (partition by e.change -> 'line_number') > 1 then
        format('line %s is named twice', e.change -> 'line_number')
    end as problem
    from jsonb_array_elements(p_changes) with ordinality e (change, place)) c
  where c.problem is not null
  order by c.place
  limit 1;
  return case
    when not found then null
    when v_bad.problem = 'quantity' then ledger.refuse('invalid_quantity', jsonb_build_object('line', v_bad.change -> 'line_number',
      'maximum', v_max_quantity, 'quantity', left(coalesce((v_bad.change -> 'quantity')::text, 'missing'), 50)))
    else ledger.refuse('invalid_argument', jsonb_build_object('argument', format('p_changes, change %s', v_bad.place), 'problem', v_bad.problem)) end;
end $$;
comment on function ledger.refuse_changes(jsonb, jsonb) is
  'The refusal for a p_changes of the wrong shape, or null. Added items are read by ledger.price_order.';

create function ledger.read_changes(p_changes jsonb, p_settings jsonb)
returns ledger.order_changes
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_changes ledger.order_changes;
begin
  v_changes.refusal := ledger.refuse_changes(p_changes, p_settings);
  if v_changes.refusal is not null then
    return v_changes;
  end if;
  select array_agg(trunc((e.change ->> 'line_number')::numeric)::integer) filter (where e.change ? 'line_number'),
         array_agg(trunc((e.change ->> 'quantity')::numeric)::bigint) filter (where e.change ? 'line_number'),
         jsonb_agg(e.change order by e.place) filter (where e.change ? 'variant_id')
  into v_changes.line_numbers, v_changes.quantities, v_changes.added_items
  from jsonb_array_elements(p_changes) with ordinality e (change, place);
  return v_changes;
end $$;
comment on function ledger.read_changes(jsonb, jsonb) is 'p_changes of ledger_edit_order taken apart, or the refusal. p_settings: ledger.all_settings().';
