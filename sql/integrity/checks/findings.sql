/* What a check found, or (check_code is null) how long a family took. */
create type ledger.finding as (
  check_code text, severity text, subject text, account_id uuid, expected text, found text, diff_amount bigint, family text, milliseconds bigint
);
comment on type ledger.finding is 'A row that offends a check; without check_code: how long the checks of a family took.';

/* What a run looks at: nulls are everything. */
create type ledger.integrity_scope as (
  kind text, account_ids uuid[], order_ids uuid[], variant_ids uuid[], touched_account_ids uuid[], touched_variant_ids uuid[], stream_ids uuid[]
);
comment on type ledger.integrity_scope is
  'all, changed or account; orders; accounts and variants whose whole history is added up; and all accounts and variants, with those whose history is too long for that; the streams that events of the accounts can be of, which ledger.findings fills in.';

/* The relations that a text names. */
create function ledger.relations_named(p_text text)
returns text[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_words text[] := regexp_split_to_array(p_text, '[^a-z0-9_.]+');
begin
  return array(select r.name from ledger.integrity_relations r where r.name = any (v_words));
end $$;
comment on function ledger.relations_named(text) is 'Those of ledger.integrity_relations that a query names without a schema.';

/* The same with those that these name themselves, as the WITH list before the text. */
create function ledger.relations_of(p_text text, p_is_scoped boolean)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_relation record;
  v_names text[] := ledger.relations_named(p_text);
  v_list text;
begin
  for v_relation in
    select r.name, case when p_is_scoped then coalesce(r.scoped, r.whole) else r.whole end as definition,
           r.scoped is not null and not p_is_scoped as is_table
    from ledger.integrity_relations r
    order by r.position desc
  loop
    continue when v_relation.name <> all (v_names);
    -- a table that is read whole names no other
    v_names := v_names || case when not v_relation.is_table then ledger.relations_named(v_relation.definition) end;
    -- a table read as it is keeps its indexes; what is added up is added up once
    v_list := format('%I as %s (%s)', v_relation.name, case when v_relation.is_table then 'not materialized' else '' end, v_relation.definition)
              || coalesce(e',\n' || v_list, '');
  end loop;
  return v_list;
end $$;
comment on function ledger.relations_of(text, boolean) is 'The WITH list of the relations that a query reads, whole or scoped; null when it reads none.';

/* The checks of a family as one statement: each check's rows under its code. */
create function ledger.family_query(p_checks public.integrity_checks[], p_is_scoped boolean)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_query text := (
    -- what a row is about may be what is missing of it
    select string_agg(format('select %L::text, %L::text, coalesce(c.subject::text, ''none''), c.account_id::uuid, c.expected::text, c.found::text, '
                             || e'c.diff_amount::bigint, %L::text, null::bigint from (%s\n) c (subject, account_id, expected, found, diff_amount)',
                             c.code, c.severity, c.family, c.query), e'\nunion all\n')
    from unnest(p_checks) c);
begin
  return coalesce('with ' || ledger.relations_of(v_query, p_is_scoped) || e'\n', '') || v_query;
end $$;
comment on function ledger.family_query(public.integrity_checks[], boolean) is 'One statement of the checks of a family.';

/* What checks of one family find, as one statement. */
create function ledger.findings_of_checks(p_checks public.integrity_checks[], p_scope ledger.integrity_scope)
returns setof ledger.finding
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query execute ledger.family_query(p_checks, p_scope.kind <> 'all')
    using p_scope.account_ids, p_scope.order_ids, p_scope.variant_ids, p_scope.touched_account_ids, p_scope.touched_variant_ids,
              p_scope.stream_ids;
end $$;
comment on function ledger.findings_of_checks(public.integrity_checks[], ledger.integrity_scope) is 'Rows that offend checks of one family; raises when one of them cannot be run.';

/*
 * The same, where a row that no cast can read, or a shop's own query, stops one check and not the others. A shop's
 * own are the last that are run: a time limit that ends one of them ends nothing else.
 */
create function ledger.findings_of_each(p_checks public.integrity_checks[], p_scope ledger.integrity_scope)
returns setof ledger.finding
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query select * from ledger.findings_of_checks(p_checks, p_scope);
exception
  when query_canceled or others then
    if sqlstate = '57014' and p_checks[1].family <> 'own' then
      raise;
    elsif cardinality(p_checks) > 1 then
      return query select f.* from unnest(p_checks) c cross join lateral ledger.findings_of_each(array[c], p_scope) f;
    else
      return next row('check_can_be_run', case p_checks[1].family when 'own' then 'error' else 'critical' end, p_checks[1].code, null,
                      'a check that can be run', sqlerrm, null, p_checks[1].family, null)::ledger.finding;
    end if;
end $$;
comment on function ledger.findings_of_each(public.integrity_checks[], ledger.integrity_scope) is
  'Rows that offend checks of one family; a check that cannot be run is a finding (check_can_be_run).';

/*
 * Runs checks: those named, or all that are enabled. STABLE, so every family reads the snapshot of the
 * statement that calls this: what one procedure wrote is seen whole or not at all. A check that cannot be run
 * is a finding and does not stop the others.
 */
create function ledger.findings(p_codes text[] default null, p_scope ledger.integrity_scope default row('all', null, null, null, null, null, null)::ledger.integrity_scope)
returns setof ledger.finding
language plpgsql stable
set search_path = pg_catalog, pg_temp
-- compiling the long statements costs more than they take; what is sorted or hashed spills to disk beyond this
set jit = off
set work_mem = '32MB'
as $$
declare
  v_family record;
  v_started_at timestamptz;
begin
  -- in the snapshot of the rows that their events are compared with
  p_scope.stream_ids := array(select s.stream_id from ledger.streams_of_accounts(p_scope.account_ids) s);
  for v_family in
    -- of everything each family is a statement; of little all together are, and read what they share once
    select case when p_scope.kind = 'all' or c.family = 'own' then c.family else 'together' end as name, array_agg(c order by c.code) as checks
    from public.integrity_checks c
    -- the check that tells of those switched off cannot be switched off
    where case when p_codes is null then c.enabled or c.code = 'every_check_is_on' else c.code = any (p_codes) end and p_scope.kind = any (c.scopes)
    -- a shop's own stand alone, and last: one that fails or takes for ever takes no other with it
    group by 1, case c.family when 'own' then c.code end
    order by bool_or(c.family = 'own'), 1, min(c.code)
  loop
    v_started_at := clock_timestamp();
    return query select * from ledger.findings_of_each(v_family.checks, p_scope);
    return next row(null, null, null, null, null, null, null, v_family.name,
                    round(extract(epoch from clock_timestamp() - v_started_at) * 1000))::ledger.finding;
  end loop;
end $$;
comment on function ledger.findings(text[], ledger.integrity_scope) is
  'Rows that offend the checks named (null: all enabled) in a scope, in one snapshot; and a row without check_code for each family (of a scope: for all families together), with its milliseconds.';
