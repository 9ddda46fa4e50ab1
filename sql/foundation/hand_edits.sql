/*
 * Guards against hands. On a hosted project the dashboard and the procedures' owner are the same
 * role, so privileges cannot tell them apart. Each procedure therefore marks its write phase with
 * set_config('ledger.procedure', <its name>, is_local => true) and clears it at its end; triggers
 * refuse what is written without that mark. This stops mistakes, not an owner who means it:
 * for that there are the seals.
 *
 * The triggers are per statement and look at the mark themselves, once however many rows there are: a
 * WHEN clause is parsed anew by each statement. Nine of them cost an order 40 microseconds.
 */
create function ledger.refuse_hand_edit()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(current_setting('ledger.procedure', true), '') = '' then
    raise exception using
      errcode = 'insufficient_privilege',
      message = format('%s on %I by hand is refused: balances, statuses, totals and stock move only inside procedures',
                       lower(tg_op), tg_argv[0]),
      hint = format('Call %s.', tg_argv[1]);
  end if;
  return null;
end $$;
comment on function ledger.refuse_hand_edit() is
  'Trigger per statement: refuses a write outside a procedure. Arguments: the table''s name, the procedures to call instead.';

create function ledger.refuse_change()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using
    errcode = 'insufficient_privilege',
    message = format('%s on %I is refused: its rows are never changed or removed', lower(tg_op), tg_argv[0]),
    hint = 'Correct a record with a new one that reverses it, through the procedure for it.';
end $$;
comment on function ledger.refuse_change() is
  'Trigger: refuses UPDATE, DELETE and TRUNCATE of immutable records for everybody. Argument: the table''s name.';

/*
 * session_replication_role = replica, which restores and seed files set, switches ordinary triggers
 * off. Guards of UPDATE, DELETE and TRUNCATE stay on; those of INSERT do not, nor do those
 * of reference rows, so that a dump of the data can be loaded.
 */
create function ledger.enable_always(p_table regclass, p_triggers text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_trigger text;
begin
  foreach v_trigger in array p_triggers loop
    execute format('alter table %s enable always trigger %I', p_table, v_trigger);
  end loop;
end $$;
comment on function ledger.enable_always(regclass, text[]) is 'Keeps guard triggers on in replica mode.';

create function ledger.refuse_schema_row()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using
    errcode = 'insufficient_privilege',
    message = format('%s on %I by hand is refused: procedures rely on these rows and on the columns %s of them',
                     lower(tg_op), tg_argv[0], tg_argv[1]),
    hint = 'Other columns may be edited. A migration that has to change these sets ledger.procedure first.';
end $$;
comment on function ledger.refuse_schema_row() is
  'Trigger: refuses removing rows that are part of the schema, or changing what procedures rely on. Arguments: table, columns.';

/* Keeps the rows of a reference table, and the columns of them that procedures rely on, from hands. */
create function ledger.keep_schema_rows(p_table regclass, p_columns text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text := (select c.relname from pg_catalog.pg_class c where c.oid = p_table);
begin
  execute format('create trigger rows_of_the_schema_stay before delete or update of %s on %s
                  for each row when (coalesce(current_setting(''ledger.procedure'', true), '''') = '''')
                  execute function ledger.refuse_schema_row(%L, %L)', p_columns, p_table, v_name, p_columns);
end $$;
comment on function ledger.keep_schema_rows(regclass, text) is
  'Puts the guard on a reference table whose rows procedures rely on; hands may still edit its other columns.';

/* Protects an immutable table: no UPDATE, DELETE or TRUNCATE by anybody, INSERT by procedures only. */
create function ledger.make_immutable(p_table regclass, p_procedures text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text := (select c.relname from pg_catalog.pg_class c where c.oid = p_table);
begin
  execute format('create trigger rows_never_change before update or delete on %s
                  for each row execute function ledger.refuse_change(%L)', p_table, v_name);
  execute format('create trigger rows_are_never_truncated before truncate on %s
                  for each statement execute function ledger.refuse_change(%L)', p_table, v_name);
  perform ledger.enable_always(p_table, array['rows_never_change', 'rows_are_never_truncated']);
  execute format('create trigger rows_come_from_procedures before insert on %s
                  for each statement execute function ledger.refuse_hand_edit(%L, %L)',
                 p_table, v_name, p_procedures);
end $$;
comment on function ledger.make_immutable(regclass, text) is
  'Puts the guard triggers of an immutable table on it; the second argument names the procedures that write it.';

/* Triggers per statement are not inherited: who names a partition instead of its table meets these. */
create function ledger.guard_partition(p_partition regclass, p_table text, p_procedures text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format('create or replace trigger rows_are_never_truncated before truncate on %s
                  for each statement execute function ledger.refuse_change(%L)', p_partition, p_table);
  perform ledger.enable_always(p_partition, array['rows_are_never_truncated']);
  execute format('create or replace trigger rows_come_from_procedures before insert on %s
                  for each statement execute function ledger.refuse_hand_edit(%L, %L)', p_partition, p_table, p_procedures);
end $$;
comment on function ledger.guard_partition(regclass, text, text) is
  'Puts the guard triggers per statement of an immutable table on one of its partitions.';

/*
 * Protects a table whose rows only procedures write. With columns named, other columns stay free
 * for hand edits; inserting, deleting and truncating is for procedures in either case.
 */
create function ledger.protect_from_hands(p_table regclass, p_procedures text, p_columns text default null)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text := (select c.relname from pg_catalog.pg_class c where c.oid = p_table);
begin
  execute format('create trigger rows_come_from_procedures before insert on %s
                  for each statement execute function ledger.refuse_hand_edit(%L, %L)',
                 p_table, v_name, p_procedures);
  execute format('create trigger rows_stay before delete on %s
                  for each statement execute function ledger.refuse_hand_edit(%L, %L)',
                 p_table, v_name, p_procedures);
  execute format('create trigger values_come_from_procedures before update %s on %s
                  for each statement execute function ledger.refuse_hand_edit(%L, %L)',
                 coalesce('of ' || p_columns, ''), p_table, v_name, p_procedures);
  execute format('create trigger rows_are_never_truncated before truncate on %s
                  for each statement execute function ledger.refuse_hand_edit(%L, %L)', p_table, v_name, p_procedures);
  perform ledger.enable_always(p_table, array['rows_stay', 'values_come_from_procedures', 'rows_are_never_truncated']);
end $$;
comment on function ledger.protect_from_hands(regclass, text, text) is
  'Puts guard triggers on a table that procedures keep; the second argument names them, the third the protected columns.';
