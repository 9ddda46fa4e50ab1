/* Partitions of the year that is over, guarded as all are. */
do $$
declare
  v_table text;
  v_month timestamptz;
  v_partition text;
begin
  foreach v_table in array array['immutable_events', 'audit_log'] loop
    for v_month in
      select generate_series(date_trunc('month', z.started_at at time zone 'UTC'),
                             date_trunc('month', z.ended_at at time zone 'UTC') - interval '1 month', interval '1 month') at time zone 'UTC'
      from scale.size z
    loop
      v_partition := v_table || to_char(v_month at time zone 'UTC', '_YYYY_MM');
      continue when to_regclass('ledger.' || v_partition) is not null;
      execute format('create table ledger.%I partition of public.%I for values from (%L) to (%L)',
                     v_partition, v_table, v_month, v_month + interval '1 month');
      execute format('alter table ledger.%I owner to postgres', v_partition);
      execute format('alter table ledger.%I enable row level security', v_partition);
      perform ledger.guard_partition(format('ledger.%I', v_partition)::regclass, v_table, 'the ledger_* procedures');
    end loop;
  end loop;
end $$;
