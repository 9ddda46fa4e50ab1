/*
 * A run drops the oldest month that is over its time, or removes the oldest lines of the default partition,
 * and the job runs often enough. Dropping locks audit_log: behind a long reader the job gives up until its next
 * turn, and nobody waits longer for it than its lock_timeout.
 */
create function ledger.purge_audit_log(p_limit integer default 50000)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '900ms'
as $$
declare
  v_limit timestamptz := clock_timestamp() - make_interval(days => ledger.setting_text('audit_retention_days')::int);
  v_partition text;
  v_lines integer;
begin
  v_partition := (
    select min(c.relname)
    from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'public.audit_log'::regclass
      and c.relname ~ '^audit_log_\d{4}_\d{2}$'
      and (to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month') at time zone 'UTC' <= v_limit);
  if v_partition is not null then
    execute format('drop table ledger.%I', v_partition);
    return 1;
  end if;
  perform set_config('ledger.procedure', 'purge_audit_log', true);
  delete from ledger.audit_log_default d
  where d.ctid = any (array(select o.ctid from ledger.audit_log_default o where o.occurred_at < v_limit limit p_limit));
  get diagnostics v_lines = row_count;
  perform set_config('ledger.procedure', '', true);
  return v_lines;
end $$;
comment on function ledger.purge_audit_log(integer) is
  'Job: of what is older than the setting audit_retention_days drops a month, or else removes p_limit lines; answers how many of either.';
