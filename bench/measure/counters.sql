/* What the server has counted so far, in the schemas of the shop and of the baselines. */
select
  pg_current_wal_insert_lsn()::text as lsn,
  t.inserted, t.updated, t.hot_updated, t.deleted, t.dead, t.autovacuums,
  c.checkpoints,
  s.relation_bytes
from (
  select coalesce(sum(n_tup_ins), 0)::float8 as inserted, coalesce(sum(n_tup_upd), 0)::float8 as updated,
         coalesce(sum(n_tup_hot_upd), 0)::float8 as hot_updated, coalesce(sum(n_tup_del), 0)::float8 as deleted,
         coalesce(sum(n_dead_tup), 0)::float8 as dead,
         coalesce(sum(autovacuum_count + autoanalyze_count), 0)::float8 as autovacuums
  from pg_stat_user_tables
  where schemaname in ('public', 'ledger', 'bench')) t
cross join (select (num_timed + num_requested)::float8 as checkpoints from pg_stat_checkpointer) c
cross join (
  select sum(pg_total_relation_size(r.oid))::float8 as relation_bytes
  from pg_class r
  where r.relnamespace in ('public'::regnamespace, 'ledger'::regnamespace, 'bench'::regnamespace)
    and r.relkind = 'r') s
