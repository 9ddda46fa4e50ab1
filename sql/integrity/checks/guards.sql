/*
 * Which guards there are, as the schema made them: so that one that was dropped, disabled, downgraded or
 * emptied shows. A migration that takes a guard away on purpose removes its row.
 */
create table ledger.guards (
  table_name text not null,
  trigger_name text not null,
  fires "char" not null,
  digest text not null,
  primary key (table_name, trigger_name)
);
select ledger.keep_schema_rows('ledger.guards', 'table_name, trigger_name, fires, digest');
select ledger.audit_hand_edits_of('ledger.guards', 'table_name');
comment on table ledger.guards is 'Triggers of the schema that refuse what would break the books.';
comment on column ledger.guards.fires is 'pg_trigger.tgenabled as it should be: O in ordinary sessions, A in replica mode too.';
comment on column ledger.guards.digest is 'Of what the trigger does: when it fires, its condition, its arguments and the body of its function.';

/*
 * As they are at present, on tables and on the partitions of these, which have the same. Without the table's name,
 * so that a partition's is its table's.
 */
create function ledger.guards_now()
returns table (table_name text, is_partition boolean, trigger_name text, fires "char", digest text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select n.nspname || '.' || c.relname, c.relispartition, t.tgname::text, t.tgenabled,
         md5(concat_ws(' ', t.tgtype, t.tgfoid::regprocedure, encode(t.tgargs, 'hex'), p.prosrc, p.proconfig,
                       case when t.tgqual is not null then substring(pg_get_triggerdef(t.oid) from ' WHEN .*') end))
  from pg_trigger t
  join pg_class c on c.oid = t.tgrelid
  join pg_namespace n on n.oid = c.relnamespace
  join pg_proc p on p.oid = t.tgfoid
  where not t.tgisinternal and n.nspname in ('public', 'ledger');
$$;
comment on function ledger.guards_now() is 'Triggers on tables and partitions as they are at present.';
