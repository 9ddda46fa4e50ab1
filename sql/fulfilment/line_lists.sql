/* What callers name lines with: [{"line_number": 1, "quantity": 2}, ...]. */

/* Whether a JSON value is a whole number within bounds. */
create function ledger.is_whole_number(p_value jsonb, p_minimum bigint, p_maximum bigint)
returns boolean
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when jsonb_typeof(p_value) = 'number'
              then (p_value #>> '{}')::numeric between p_minimum and p_maximum
                   and (p_value #>> '{}')::numeric = trunc((p_value #>> '{}')::numeric)
              else false end;
end $$;
comment on function ledger.is_whole_number(jsonb, bigint, bigint) is 'Whether a JSON value is a whole number from p_minimum to p_maximum.';

/*
 * What is wrong with a list of lines, as a refusal; null when nothing is. Each names a line, no line
 * twice, with whole numbers of units under these keys (at least one of them, where p_needed says so)
 * and perhaps a reason.
 */
create function ledger.refuse_line_list(p_lines jsonb, p_keys text[], p_needed boolean default true)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_example text := format('a JSON array of up to 5000 objects such as [{"line_number": 1, "%s": 1}]', p_keys[1]);
  v_bad record;
begin
  if coalesce(jsonb_typeof(p_lines), 'null') <> 'array' or jsonb_array_length(p_lines) not between 1 and 5000 then
    return ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_lines', 'problem', v_example));
  end if;

  select c.place, c.problem into v_bad
  from (select e.place, case
          when jsonb_typeof(e.line) <> 'object' then 'must be an object'
          when not ledger.is_whole_number(e.line -> 'line_number', 1, 2147483647) then 'line_number is missing or no line''s number'
          when exists (select from unnest(p_keys) k (name)
                       where e.line ? k.name and not ledger.is_whole_number(e.line -> k.name, 0, 9007199254740991)) then
            format('%s: whole numbers of units', array_to_string(p_keys, ', '))
          when p_needed and not exists (select from unnest(p_keys) k (name)
                                        where ledger.is_whole_number(e.line -> k.name, 1, 9007199254740991)) then
            format('%s is missing or not above zero', array_to_string(p_keys, ', '))
          when jsonb_typeof(e.line -> 'reason') not in ('string', 'null') or length(e.line ->> 'reason') > 500 then
            'reason is a text of at most 500 characters'
        end as problem
        from jsonb_array_elements(p_lines) with ordinality e (line, place)) c
  where c.problem is not null
  order by c.place
  limit 1;
  if found then
    return ledger.refuse('invalid_argument', jsonb_build_object('argument', format('p_lines, entry %s', v_bad.place), 'problem', v_bad.problem));
  end if;

  select trunc((e.line ->> 'line_number')::numeric) as line_number into v_bad
  from jsonb_array_elements(p_lines) e (line)
  group by 1
  having count(*) > 1
  limit 1;
  if found then
    return ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_lines',
      'problem', format('line %s is named twice', v_bad.line_number)));
  end if;
  return null;
end $$;
comment on function ledger.refuse_line_list(jsonb, text[], boolean) is
  'The refusal for a list of lines of the wrong shape, or null. p_keys: the keys that hold units.';

/* The first entry that names a line which the order does not have, as a refusal; null when all are there. */
create function ledger.refuse_unknown_line(p_order public.orders, p_lines jsonb)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select ledger.refuse('line_not_found', jsonb_build_object('order_number', p_order.order_number, 'line', e.line -> 'line_number'))
    from jsonb_array_elements(p_lines) with ordinality e (line, place)
    where not exists (select from public.order_items i
                      where i.account_id = p_order.account_id and i.order_id = p_order.id
                        and i.line_number = (e.line ->> 'line_number')::numeric)
    order by e.place
    limit 1);
end $$;
comment on function ledger.refuse_unknown_line(public.orders, jsonb) is
  'The refusal for the first entry of a well-formed list that names no line of the order, or null.';
