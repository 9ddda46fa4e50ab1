-- texts beside events: each says what its event's digest says, and is there until its person is erased
insert into public.integrity_checks (family, code, severity, proves, query) values
  ('texts', 'text_is_its_events', 'critical', 'What people wrote about an operation is what its sealed event has the digest of.', $$
    select t.event_id::text, t.account_id, coalesce(e.payload ->> 'texts_digest', 'an event with a digest'), ledger.texts_digest(t.texts, t.salt), null::bigint
    from event_texts t
    left join public.immutable_events e on e.id = t.event_id
    where e.payload ->> 'texts_digest' is distinct from ledger.texts_digest(t.texts, t.salt)
  $$),
  ('texts', 'event_has_its_text', 'critical', 'No text of an event is gone unless its person was erased.', $$
    select e.id::text, e.account_id, e.payload ->> 'texts_digest', 'no text, and nobody was erased', null::bigint
    from immutable_events e
    left join event_texts t on t.event_id = e.id
    left join accounts a on a.id = e.account_id
    left join profiles p on p.id = a.user_id
    where e.payload ? 'texts_digest' and t.event_id is null and p.erased_at is null
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;
