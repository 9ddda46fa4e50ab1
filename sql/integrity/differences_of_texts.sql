/* Texts beside events: each says what its event's digest says, and is there until its person is erased. */
create function ledger.differences_of_texts()
returns table (check_code text, subject text, expected text, found text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select 'text_is_its_events', t.event_id::text, coalesce(e.payload ->> 'texts_digest', 'an event with a digest'),
         ledger.texts_digest(t.texts, t.salt)
  from public.event_texts t
  left join public.immutable_events e on e.id = t.event_id
  where e.payload ->> 'texts_digest' is distinct from ledger.texts_digest(t.texts, t.salt)
  union all
  select 'event_has_its_text', e.id::text, e.payload ->> 'texts_digest', 'no text, and nobody was erased'
  from public.immutable_events e
  left join public.event_texts t on t.event_id = e.id
  left join public.accounts a on a.id = e.account_id
  left join public.profiles p on p.id = a.user_id
  where e.payload ? 'texts_digest' and t.event_id is null and p.erased_at is null;
$$;
comment on function ledger.differences_of_texts() is
  'Texts of events that were changed, removed or added without profile_erase.';
