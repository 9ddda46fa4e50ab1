-- as this schema has made them; later rows come with later tables
insert into ledger.guards (table_name, trigger_name, fires, digest)
select g.table_name, g.trigger_name, g.fires, g.digest from ledger.guards_now() g where not g.is_partition
on conflict (table_name, trigger_name) do update set fires = excluded.fires, digest = excluded.digest;
