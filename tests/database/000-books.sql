-- The books' check for tests that look at the books again and again. `npm test` has it in all its databases.

create schema if not exists tests;

/*
 * What ledger.book_differences() answers, by the checks that the schema comes with. Of a small shop that function takes
 * five sixths of its time to compose and plan its statements, at each call; this one has them written out, so a session
 * plans them once. each_check_finds_its_corruption.test.sql holds it against the function itself.
 */
do $do$
declare
  v_statements text := (
    select string_agg(format(e'  return query select f.code, f.subject, f.expected, f.found from (%s\n) f (%s);\n', q.query,
                             'code, severity, subject, account_id, expected, found, diff_amount, family, milliseconds'), '' order by q.family)
    from (select c.family, ledger.family_query(array_agg(c order by c.code), false) as query
          from public.integrity_checks c
          where c.enabled and c.severity <> 'warning' and c.family <> 'own' and 'all' = any (c.scopes)
          group by c.family) q);
begin
  -- the settings of ledger.findings; the arguments are those of its statements, which read everything when they are null
  execute format($create$
    create or replace function tests.book_differences(
      p_account_ids uuid[] default null, p_order_ids uuid[] default null, p_variant_ids uuid[] default null,
      p_touched_account_ids uuid[] default null, p_touched_variant_ids uuid[] default null, p_stream_ids uuid[] default '{}')
    returns table (check_code text, subject text, expected text, found text)
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
    set jit = off
    set work_mem = '32MB'
    set plan_cache_mode = force_generic_plan
    as $body$
    #variable_conflict use_column
    begin
    %s
    end $body$
  $create$, v_statements);
end $do$;

begin;
select plan(1);
select is_empty('select * from tests.book_differences()', 'the books of an empty shop are in order');
select * from finish();
rollback;
