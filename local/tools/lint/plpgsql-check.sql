-- Every PL/pgSQL function of ours, trigger functions once for each table they are on.
with functions as (
  select p.oid, p.oid::regprocedure::text as name, p.prorettype = 'trigger'::regtype as is_trigger
  from pg_proc p
  join pg_language l on l.oid = p.prolang and l.lanname = 'plpgsql'
  join pg_namespace n on n.oid = p.pronamespace
  where n.nspname !~ '^pg_'
    and n.nspname not in ('information_schema', 'auth', 'extensions', 'supabase_migrations', 'tests')
),
calls as (
  select oid, name, 0::oid as relation, null::name as old_rows, null::name as new_rows
  from functions where not is_trigger
  union
  select f.oid, f.name, t.tgrelid, t.tgoldtable, t.tgnewtable
  from functions f
  join pg_trigger t on t.tgfoid = f.oid and t.tgparentid = 0
)
select format('%s%s', c.name, ' on ' || nullif(c.relation, 0)::regclass) as object,
  concat_ws(' ', format('%s line %s: %s', f.level, f.lineno, f.message), f.detail, f.hint) as detail
from calls c
cross join lateral extensions.plpgsql_check_function_tb(
  c.oid, c.relation, fatal_errors => false, performance_warnings => false, extra_warnings => true,
  security_warnings => true, oldtable => c.old_rows, newtable => c.new_rows
) f
union all
select f.name, 'a trigger function that no trigger calls'
from functions f
where f.is_trigger and not exists (select from pg_trigger t where t.tgfoid = f.oid)
order by 1, 2;
