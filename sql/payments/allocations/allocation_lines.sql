/* p_lines as rows; what has another shape is answered by ledger.refuse_allocation_lines. */
create function ledger.allocation_lines_of(p_lines jsonb)
returns ledger.allocation_line[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select array_agg(row((e.line ->> 'invoice_id')::uuid, (e.line ->> 'amount')::numeric::bigint)::ledger.allocation_line order by e.ordinality)
          from jsonb_array_elements(p_lines) with ordinality e (line));
end $$;
comment on function ledger.allocation_lines_of(jsonb) is 'The lines of p_lines, which has been checked.';

create function ledger.refuse_allocation_lines(p_lines jsonb)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count integer;
  v_bad record;
begin
  if coalesce(jsonb_typeof(p_lines), 'null') <> 'array' then
    return ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_lines',
      'problem', 'an array of {"invoice_id", "amount"}, with "expected_version" where it is known'));
  end if;
  v_count := jsonb_array_length(p_lines);
  if v_count not between 1 and 1000 then
    return ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_lines', 'problem', format('1 to 1000 lines, not %s', v_count)));
  end if;
  select n.line, n.problem into v_bad
  from (select e.ordinality as line, case
    when jsonb_typeof(e.item) <> 'object' then 'must be an object with invoice_id and amount'
    when coalesce(jsonb_typeof(e.item -> 'invoice_id') = 'string'
                  and e.item ->> 'invoice_id' ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$', false) is false then 'invoice_id is missing or no UUID'
    when coalesce(case when jsonb_typeof(e.item -> 'amount') = 'number' then
                    (e.item ->> 'amount')::numeric between 1 and 9007199254740991
                    and (e.item ->> 'amount')::numeric = trunc((e.item ->> 'amount')::numeric) end, false) is false
      then 'amount must be a whole number of minor units above zero'
    when coalesce(case jsonb_typeof(e.item -> 'expected_version') when 'null' then true when 'number' then
                    (e.item ->> 'expected_version')::numeric between 0 and 9007199254740991 else e.item -> 'expected_version' is null end, true) is false
      then 'expected_version must be a number'
    when count(*) over (partition by lower(e.item ->> 'invoice_id')) > 1 then 'the same invoice is on another line too: one line per invoice'
  end as problem
  from jsonb_array_elements(p_lines) with ordinality e (item)) n
  where n.problem is not null
  order by n.line
  limit 1;
  return case when v_bad.problem is not null then
    ledger.refuse('invalid_argument', jsonb_build_object('argument', format('p_lines, line %s', v_bad.line), 'problem', v_bad.problem)) end;
end $$;
comment on function ledger.refuse_allocation_lines(jsonb) is 'The refusal for a p_lines of the wrong shape, or null.';
