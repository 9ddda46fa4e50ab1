-- Procedures run as their owner, so a caller's names must not reach into them: neither through
-- search_path nor through temporary objects, which PostgreSQL looks at first for tables and types.
begin;
set local client_min_messages = warning; -- of what goes with the hostile schema
select plan(6);
select tests.open_shop();

-- what a caller with a direct connection can make: tables, functions, operators and types of known names
create table public.loot (who text, what text);
create table public.answers (question text, answer text);
grant insert on public.loot, public.answers to public;
create schema hostile;
grant all on schema hostile to public;
create function public.prepare() returns text language plpgsql as $prepare$
declare
  v_statement text;
  v_failed text := '';
begin
  foreach v_statement in array array[
    $s$create temp table accounts (id uuid, user_id uuid, currency text, available_balance bigint, frozen_reason text)$s$,
    $s$create temp table settings (key text, value jsonb)$s$,
    $s$create temp table error_codes (code text, message text)$s$,
    $s$create temp table user_roles (user_id uuid, role text)$s$,
    $s$insert into pg_temp.user_roles values ((select auth.uid()), 'admin')$s$,
    $s$create function hostile.steal(what pg_catalog.text) returns boolean language plpgsql as $f$
      begin if current_user <> 'authenticated' then insert into public.loot values (current_user, what); end if; return true; end $f$$s$,
    $s$create function hostile.clock_timestamp() returns timestamptz language sql as $f$ select case when hostile.steal('clock') then '2001-01-01'::pg_catalog.timestamptz end $f$$s$,
    $s$create function hostile.now() returns timestamptz language sql as $f$ select case when hostile.steal('now') then '2001-01-01'::pg_catalog.timestamptz end $f$$s$,
    $s$create function hostile.upper(pg_catalog.text) returns pg_catalog.text language sql as $f$ select case when hostile.steal('upper') then 'XXX' end $f$$s$,
    $s$create function hostile.length(pg_catalog.text) returns integer language sql as $f$ select case when hostile.steal('length') then 1 end $f$$s$,
    $s$create function hostile.md5(pg_catalog.text) returns pg_catalog.text language sql as $f$ select case when hostile.steal('md5') then '0' end $f$$s$,
    $s$create function hostile.less(bigint, bigint) returns boolean language sql as $f$ select hostile.steal('less') $f$$s$,
    $s$create operator hostile.< (leftarg = bigint, rightarg = bigint, function = hostile.less)$s$,
    $s$create operator hostile.> (leftarg = bigint, rightarg = bigint, function = hostile.less)$s$,
    $s$create domain pg_temp.text as pg_catalog.text check (hostile.steal(value))$s$,
    $s$create domain pg_temp.uuid as pg_catalog.uuid check (hostile.steal(value::pg_catalog.text))$s$,
    $s$create domain pg_temp.jsonb as pg_catalog.jsonb check (hostile.steal(value::pg_catalog.text))$s$,
    $s$create domain pg_temp.timestamptz as pg_catalog.timestamptz check (hostile.steal(value::pg_catalog.text))$s$]
  loop
    begin
      execute v_statement;
    exception when insufficient_privilege then
      v_failed := v_failed || v_statement || '; ';
    end;
  end loop;
  return v_failed;
end $prepare$;

create table public.asked as select tests.items('MUG') as few, tests.items('MUG', 5000) as many;
grant select on public.asked to public;

-- each function is new to this session again, as it would be in the caller's own: a compiled one has found its names
do $$
declare v_function regprocedure;
begin
  for v_function in select p.oid from pg_proc p where p.pronamespace in ('public'::regnamespace, 'ledger'::regnamespace) and p.prosrc <> '' and p.prokind = 'f' loop
    execute format('alter function %s cost 99', v_function);
  end loop;
end $$;

-- the answers are kept and looked at afterwards: pgTAP trusts the names that it finds
select tests.authenticate_as('bob');
insert into public.answers select 'prepared', public.prepare();
set local search_path = pg_temp, hostile, pg_catalog;
insert into public.answers select 'order', coalesce(o.error_code, o.success::pg_catalog.text) from public.asked a, public.ledger_place_order(a.few, p_idempotency_key => 'k') o;
insert into public.answers select 'large order', o.error_code from public.asked a, public.ledger_place_order(a.many) o;
insert into public.answers select 'withdrawal', w.error_code from public.ledger_request_withdrawal(99999999, '{"iban": "B"}') w;
insert into public.answers select 'quote', q.total_amount::pg_catalog.text from public.asked a, public.order_quote(a.few) q;
insert into public.answers select 'address', coalesce(s.error_code, s.success::pg_catalog.text) from public.ledger_save_address('B', '1', 'C', 'iq') s;
insert into public.answers select 'permissions', count(*)::pg_catalog.text from public.my_permissions();
insert into public.answers select 'own orders', count(*)::pg_catalog.text from public.orders;
do $$
begin
  perform public.ledger_credit_account(auth.uid(), 1);
exception when insufficient_privilege then
  insert into public.answers values ('credit', 'refused');
end $$;
reset role;
drop schema hostile cascade;
drop table if exists pg_temp.accounts, pg_temp.settings, pg_temp.error_codes, pg_temp.user_roles;
set local search_path = public, extensions;

-- a database in which nobody may make temporary objects is as good
select ok((select a.answer = '' from public.answers a where a.question = 'prepared')
  or not has_database_privilege('authenticated', current_database(), 'temporary'), 'the caller could make names of their own');
select bag_eq($$ select * from public.answers a where a.question <> 'prepared' $$,
  $$ values ('order', 'true'), ('large order', 'insufficient_stock'), ('withdrawal', 'insufficient_funds'), ('quote', '1250'), ('address', 'true'),
            ('permissions', '0'), ('own orders', '2'), ('credit', 'refused') $$,
  'every procedure answered as it does without such names');
select is_empty('select distinct l.who from public.loot l', 'nothing of the caller''s ran with the rights of the owner');
select results_eq($$ select o.total_amount, o.status from public.orders o order by o.id desc limit 1 $$, $$ values (1250::bigint, 'pending') $$,
  'the order has the catalogue''s price');
select ok((select o.created_at > now() - interval '1 hour' from public.orders o order by o.id desc limit 1), 'and its time is the server''s');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
