/*
 * What the log holds between two positions, by relation and kind of record. A record that touches
 * several blocks counts for the relation of its first one; its whole pages count apart.
 */
with records as (
  select r.start_lsn, r.resource_manager, r.record_type,
         (r.record_length - r.fpi_length)::float8 as bytes, r.fpi_length::float8 as page_bytes
  from bench.pg_get_wal_records_info($1::text::pg_lsn, $2::text::pg_lsn) r),
first_blocks as (
  select distinct on (b.start_lsn) b.start_lsn,
         pg_filenode_relation(b.reltablespace, b.relfilenode) as relation
  from bench.pg_get_wal_block_info($1::text::pg_lsn, $2::text::pg_lsn, false) b
  where b.reldatabase = (select d.oid from pg_database d where d.datname = current_database())
  order by b.start_lsn, b.block_id)
select coalesce(t.table_name, '') as table_name,
       coalesce(c.relname, '') as relation,
       r.resource_manager, r.record_type,
       count(*)::float8 as records, sum(r.bytes) as bytes, sum(r.page_bytes) as page_bytes
from records r
left join first_blocks b on b.start_lsn = r.start_lsn
left join pg_class c on c.oid = b.relation
left join lateral (
  select coalesce((select i.indrelid from pg_index i where i.indexrelid = c.oid), c.oid)::regclass::text as table_name) t on true
group by 1, 2, 3, 4
order by bytes desc
