-- the newest seals could be removed or remade with what they cover: their messages say what they were
create index outbox_of_seals on ledger.outbox (id) where type = 'events.sealed';

/*
 * Where messages and lists of events tell of seals that are not there, or are others now. Twenty at most
 * of those that messages tell of.
 */
create function ledger.seal_witnesses()
returns table (subject text, expected text, found text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  (select format('seal %s', o.payload ->> 'seal_number'), o.payload ->> 'hash', coalesce(encode(s.hash, 'hex'), 'gone')
   from ledger.outbox o
   left join public.event_seals s on s.seal_number::text = o.payload ->> 'seal_number'
   where o.type = 'events.sealed' and encode(s.hash, 'hex') is distinct from o.payload ->> 'hash'
   order by o.id
   limit 20)
  union all
  select format('the seal over events %s to %s', f.event_ids[1], f.event_ids[cardinality(f.event_ids)]), encode(f.seal_hash, 'hex'), 'gone'
  from public.event_fingerprints f
  where not exists (select from public.event_seals s where s.hash = f.seal_hash)
    and not exists (select from ledger.outbox o where o.type = 'events.sealed' and o.payload ->> 'hash' = encode(f.seal_hash, 'hex'));
$$;
comment on function ledger.seal_witnesses() is
  'Seals that an events.sealed message, or a list of events that belongs to no seal, tells of and that are gone or have another hash.';
