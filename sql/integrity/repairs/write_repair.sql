/* "t.a = k.a and t.b = k.b" of the keys of an object; with p_format another pattern between them. */
create function ledger.columns_as(p_object jsonb, p_format text, p_between text)
returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select string_agg(format(p_format, n), p_between order by n) from jsonb_object_keys(p_object) n);
end $$;
comment on function ledger.columns_as(jsonb, text, text) is 'The keys of an object as columns, each in a pattern (%1$I), joined.';

/* The statement that gives a row ($1: key) new values ($3) where it has the old ones ($2). */
create function ledger.repair_update(p_table regclass, p_key jsonb, p_to jsonb)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return format('update %1$s t set %2$s%3$s from jsonb_populate_record(null::%1$s, $1) k, jsonb_populate_record(null::%1$s, $2) o,
                        jsonb_populate_record(null::%1$s, $3) n where %4$s and %5$s',
    p_table, ledger.columns_as(p_to, '%1$I = n.%1$I', ', '),
    -- what a client compares, and when it was changed; accounts and stock count something else by their version
    (select string_agg(case a.attname when 'version' then ', version = t.version + 1' else ', updated_at = clock_timestamp()' end, '')
     from pg_catalog.pg_attribute a
     where a.attrelid = p_table and not a.attisdropped and not p_to ? a.attname::text
       and (a.attname = 'updated_at' or a.attname = 'version' and p_table not in ('public.accounts'::regclass, 'public.stock_levels'::regclass))),
    ledger.columns_as(p_key, 't.%1$I = k.%1$I', ' and '), ledger.columns_as(p_to, 't.%1$I is not distinct from o.%1$I', ' and '));
end $$;
comment on function ledger.repair_update(regclass, jsonb, jsonb) is 'The statement that mends columns of a row.';

/* The statement that writes a row that is missing ($2), or (p_to null) takes it away again while it says what it was written with ($1). */
create function ledger.repair_whole_row(p_table regclass, p_from jsonb, p_to jsonb)
returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when p_to is null then
    format('delete from %1$s t using jsonb_populate_record(null::%1$s, $1) k where %2$s', p_table,
           ledger.columns_as(p_from, 't.%1$I is not distinct from k.%1$I', ' and '))
  else
    format('insert into %1$s (%2$s) select %2$s from jsonb_populate_record(null::%1$s, $2) on conflict do nothing', p_table,
           ledger.columns_as(p_to, '%1$I', ', ')) end;
end $$;
comment on function ledger.repair_whole_row(regclass, jsonb, jsonb) is 'The statement that inserts a row that was missing, or deletes it again.';

/*
 * Writes a row of diff lines: all its columns in one statement, and only while it is as the lines say; answers
 * whether it was. Relations and columns are those that the repairs name, never those of a caller.
 */
create function ledger.write_repair_row(p_table regclass, p_key jsonb, p_is_whole boolean, p_from jsonb, p_to jsonb)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count bigint;
begin
  if p_is_whole then
    execute ledger.repair_whole_row(p_table, p_from, p_to) using p_from, p_to;
  else
    execute ledger.repair_update(p_table, p_key, p_to) using p_key, p_from, p_to;
  end if;
  get diagnostics v_count = row_count;
  return v_count = 1;
end $$;
comment on function ledger.write_repair_row(regclass, jsonb, boolean, jsonb, jsonb) is 'Writes one row of a repair where it is as expected; answers whether it was.';

/* A digest of a row as it is; null when there is none. */
create function ledger.digest_of_row(p_table regclass, p_key jsonb)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_digest text;
begin
  execute format('select hash_record_extended(t, 0)::text from %1$s t, jsonb_populate_record(null::%1$s, $1) k where %2$s', p_table,
                 ledger.columns_as(p_key, 't.%1$I = k.%1$I', ' and '))
    into v_digest using p_key;
  return v_digest;
end $$;
comment on function ledger.digest_of_row(regclass, jsonb) is 'A hash of a row, to see later whether it was changed.';

/* Writes the lines of a repair; answers how to undo it. A row that is not as the lines say undoes all of it (OL002). */
create function ledger.write_repair(p_lines jsonb)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_row record;
  v_is_written boolean;
  v_rows jsonb := '[]'::jsonb;
begin
  for v_row in
    select l.line ->> 'relation' as relation, l.line -> 'key' as key, l.line ->> 'column' is null as is_whole,
           case when l.line ->> 'column' is null then nullif((array_agg(l.line -> 'from'))[1], 'null') else jsonb_object_agg(coalesce(l.line ->> 'column', ''), l.line -> 'from') end as old,
           case when l.line ->> 'column' is null then nullif((array_agg(l.line -> 'to'))[1], 'null') else jsonb_object_agg(coalesce(l.line ->> 'column', ''), l.line -> 'to') end as new
    from jsonb_array_elements(p_lines) with ordinality l (line, place)
    group by 1, 2, 3
    order by min(l.place)
  loop
    v_is_written := ledger.write_repair_row(format('public.%I', v_row.relation)::regclass, v_row.key, v_row.is_whole, v_row.old, v_row.new);
    if not v_is_written then
      raise exception using errcode = 'OL002', message = format('%s %s is not as the repair says any more', v_row.relation, v_row.key);
    end if;
    v_rows := v_rows || jsonb_build_array(jsonb_build_object('relation', v_row.relation, 'key', v_row.key));
  end loop;
  return jsonb_build_object(
    'lines', (select jsonb_agg(l.line || jsonb_build_object('from', l.line -> 'to', 'to', l.line -> 'from') order by l.place desc)
              from jsonb_array_elements(p_lines) with ordinality l (line, place)),
    'rows', (select jsonb_agg(r.value || jsonb_build_object('digest', ledger.digest_of_row(format('public.%I', r.value ->> 'relation')::regclass, r.value -> 'key')))
             from jsonb_array_elements(v_rows) r));
end $$;
comment on function ledger.write_repair(jsonb) is 'Writes diff lines row by row, and answers what reconciliation_actions.undo keeps.';
