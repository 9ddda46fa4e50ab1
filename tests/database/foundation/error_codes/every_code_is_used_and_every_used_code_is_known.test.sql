begin;
select plan(3);

create temp table bodies as
select p.prosrc as body
from pg_proc p
where p.pronamespace in ('public'::regnamespace, 'ledger'::regnamespace);

select is_empty(
  $$ select e.code from error_codes e where not exists (select from bodies b where b.body like '%''' || e.code || '''%') $$,
  'every code of the table is given by some procedure (DESIGN section 4, rule 2)');
select is_empty(
  $$ select m.code[1] from bodies b, regexp_matches(b.body, 'ledger\.refuse\(\s*''([a-z0-9_]+)''', 'g') m (code)
     where not exists (select from error_codes e where e.code = m.code[1]) $$,
  'every code that a procedure gives is in the table');
select is_empty(
  $$ select e.code, m.name[1] from error_codes e, regexp_matches(e.message, '\{([^}]*)\}', 'g') m (name)
     where m.name[1] !~ '^[a-z_]+(:money)?$' $$,
  'every placeholder in a sentence is a name, or a name as money');

select * from finish();
rollback;
