/* A line of what arrives, with what limits it. */
create type ledger.arriving_line as (
  line_number integer,
  variant_id uuid,
  name text,
  receivable_quantity bigint,
  restocked_quantity bigint,
  written_off_quantity bigint,
  refunded_before_quantity bigint
);

/*
 * What arrives of an approved return: p_lines [{"line_number", "received", "restock", "write_off"}], or all
 * that is awaited, into stock, when null. "received" alone goes into stock. No more can arrive than is
 * approved and not there yet, nor than is outside: a unit that a refund has restocked is back already.
 * Units that were refunded while they were under way are told apart, so that nobody refunds them again.
 */
create function ledger.arriving_lines(p_order public.orders, p_return_id uuid, p_lines jsonb)
returns setof ledger.arriving_line
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    with awaited as (
      select r.line_number, r.variant_id, r.name, coalesce(l.approved_quantity - l.received_quantity, 0) as awaited,
             greatest(0, least(coalesce(l.approved_quantity - l.received_quantity, 0), r.outside_quantity)) as receivable,
             r.shipped_quantity - coalesce(f.quantity - f.unshipped_quantity, 0) - coalesce(b.unrefunded_quantity, 0) as refundable
      from ledger.returnable_lines(p_order) r
      left join public.return_lines l on l.account_id = p_order.account_id and l.return_id = p_return_id and l.line_number = r.line_number
      left join ledger.received_units(p_order.id) b on b.line_number = r.line_number
      left join ledger.refunded_units(p_order.id) f on f.line_number = r.line_number),
    named as (
      select (e.line ->> 'line_number')::numeric::integer as line_number,
             coalesce((e.line ->> 'restock')::numeric, case when e.line ? 'write_off' then 0 else (e.line ->> 'received')::numeric end)::bigint as restocked,
             coalesce((e.line ->> 'write_off')::numeric, 0)::bigint as written_off
      from jsonb_array_elements(p_lines) e (line)
      union all
      select w.line_number, w.awaited, 0 from awaited w where p_lines is null)
    select n.line_number, w.variant_id, w.name, w.receivable, n.restocked, n.written_off,
           greatest(0, n.restocked + n.written_off - greatest(0, w.refundable))
    from named n
    join awaited w on w.line_number = n.line_number
    where n.restocked + n.written_off > 0
    order by n.line_number;
end $$;
comment on function ledger.arriving_lines(public.orders, uuid, jsonb) is
  'Lines of a return that arrive by a checked list (null: all that is awaited), with how many of each can.';

/* What of it goes into stock, as the event says it. */
create function ledger.units_to_restock(p_order public.orders, p_return_id uuid, p_lines jsonb)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select coalesce(jsonb_agg(jsonb_build_object('variant_id', a.variant_id, 'quantity', a.restocked_quantity) order by a.line_number), '[]')
          from ledger.arriving_lines(p_order, p_return_id, p_lines) a
          where a.restocked_quantity > 0);
end $$;
comment on function ledger.units_to_restock(public.orders, uuid, jsonb) is
  'Units of arriving lines that go into stock: [{"variant_id", "quantity"}].';

/* Whether something of a return can still arrive. */
create function ledger.awaits_goods(p_order public.orders, p_return_id uuid)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (select from ledger.arriving_lines(p_order, p_return_id, null) a where a.receivable_quantity > 0);
end $$;
comment on function ledger.awaits_goods(public.orders, uuid) is
  'Whether units of an approved return have not arrived yet and are outside.';

/* Why what arrives cannot be received, as a refusal, or null. */
create function ledger.refuse_arrival(p_order public.orders, p_return_id uuid, p_lines jsonb)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_answer jsonb;
  v_line ledger.arriving_line;
begin
  if p_lines is not null then
    v_answer := ledger.refuse_line_list(p_lines, '{received,restock,write_off}');
    if v_answer is null then
      v_answer := ledger.refuse_unknown_line(p_order, p_lines);
    end if;
    if v_answer is null and exists (
      select from jsonb_array_elements(p_lines) e (line)
      where e.line ? 'received' and (e.line ? 'restock' or e.line ? 'write_off')
        and (e.line ->> 'received')::numeric
            <> coalesce((e.line ->> 'restock')::numeric, 0) + coalesce((e.line ->> 'write_off')::numeric, 0)) then
      v_answer := ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_lines', 'problem', 'received is restock + write_off'));
    end if;
    if v_answer is not null then
      return v_answer;
    end if;
  end if;
  select a.* into v_line
  from ledger.arriving_lines(p_order, p_return_id, p_lines) a
  where a.restocked_quantity + a.written_off_quantity > a.receivable_quantity
  limit 1;
  if found then
    return ledger.refuse('units_not_returnable', jsonb_build_object('line', v_line.line_number, 'name', v_line.name,
      'returnable', v_line.receivable_quantity, 'requested', v_line.restocked_quantity + v_line.written_off_quantity));
  end if;
  return null;
end $$;
comment on function ledger.refuse_arrival(public.orders, uuid, jsonb) is
  'The refusal for more than can be received, or a list of the wrong shape, or null.';
