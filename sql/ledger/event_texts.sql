/*
 * What people write about an operation (notes, reasons, references, metadata of their own) stands
 * beside its event and not in it: an event is sealed and never changes, and a person may ask to be
 * forgotten. The event keeps a salted digest, so a changed text shows; once text and salt are gone
 * (profile_erase), the digest tells nothing and the seals still hold.
 */
create table public.event_texts (
  event_id bigint primary key,
  account_id uuid not null,
  stream_type text not null,
  texts jsonb not null,
  salt uuid not null default gen_random_uuid(),
  constraint texts_say_something check (texts <> '{}')
);
alter table public.event_texts enable row level security;
revoke all on public.event_texts from anon, authenticated, service_role;
grant select on public.event_texts to authenticated, service_role;
create policy event_texts_are_seen_by_who_sees_the_event on public.event_texts for select to authenticated
  using (account_id >= least((select ledger.first_account_seen('orders.read')), (select ledger.first_account_seen('audit.read')))
         and account_id <= greatest((select ledger.last_account_seen('orders.read')), (select ledger.last_account_seen('audit.read')))
         and (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
              or (select ledger.caller_may('audit.read'))
              or (stream_type = 'order' and (select ledger.caller_may('orders.read')))));
-- a customer's own, and profile_erase: the texts of a person
create index event_texts_by_account on public.event_texts (account_id);
select ledger.make_immutable('public.event_texts', 'the ledger_* procedures');
-- texts are never changed; profile_erase alone removes them
drop trigger rows_never_change on public.event_texts;
create trigger rows_never_change before update or delete on public.event_texts
  for each row when (coalesce(current_setting('ledger.procedure', true), '') <> 'profile_erase')
  execute function ledger.refuse_change('event_texts');
select ledger.enable_always('public.event_texts', array['rows_never_change']);
comment on table public.event_texts is
  'Free texts of events: {"notes", "reason", "reference", "bank_reference", "tracking_number": text, "metadata": object}, those there are. Immutable until profile_erase removes those of a person.';
comment on column public.event_texts.salt is 'Goes into the event''s texts_digest; without it the digest of a short text could be guessed.';

/*
 * Events from before this table was there keep what people wrote in their seal. It cannot be taken out of
 * them; views show it no more once the person is erased.
 */
create function ledger.is_of_erased(p_account_id uuid)
returns boolean
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select from public.accounts a join public.profiles p on p.id = a.user_id
    where a.id = p_account_id and p.erased_at is not null);
end $$;
comment on function ledger.is_of_erased(uuid) is 'Whether an account is of a person who was erased.';

create function ledger.texts_digest(p_texts jsonb, p_salt uuid)
returns text
language sql immutable
return encode(sha256(convert_to(p_salt::text || p_texts::text, 'UTF8')), 'hex');
comment on function ledger.texts_digest(jsonb, uuid) is 'What an event keeps of its texts: SHA-256 of salt and texts, in hex.';

create function ledger.text_keys()
returns text[]
language sql immutable parallel safe
return '{notes,reason,reference,bank_reference,tracking_number,metadata}'::text[];
comment on function ledger.text_keys() is 'What of an operation people write.';

/* Keeps the texts of a payload for an event to be written, and answers the payload without them. */
create function ledger.set_texts_aside(p_event_id bigint, p_account_id uuid, p_stream_type text, p_payload jsonb)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_keys text[] := ledger.text_keys();
  v_texts jsonb;
  v_salt uuid := gen_random_uuid();
begin
  select jsonb_object_agg(p.key, p.value) into v_texts
  from jsonb_each(p_payload) p
  where p.key = any (v_keys) and p.value not in ('null', '{}', '""');
  if v_texts is null then
    return p_payload - v_keys;
  end if;
  insert into public.event_texts (event_id, account_id, stream_type, texts, salt)
  values (p_event_id, p_account_id, p_stream_type, v_texts, v_salt);
  return p_payload - v_keys || jsonb_build_object('texts_digest', ledger.texts_digest(v_texts, v_salt));
end $$;
comment on function ledger.set_texts_aside(bigint, uuid, text, jsonb) is
  'The payload of an event without what people wrote, which goes into event_texts.';

/*
 * Most operations come without a word, and those pay for a comparison only. What the shop says of its
 * own goods, in nobody's books, stays in the event.
 */
create function ledger.event_payload(p_event_id bigint, p_account_id uuid, p_stream_type text, p_payload jsonb)
returns jsonb
language sql volatile
return case
  when p_account_id is null then p_payload
  when coalesce(p_payload ->> 'notes', p_payload ->> 'reason', p_payload ->> 'reference', p_payload ->> 'bank_reference',
                p_payload ->> 'tracking_number', nullif(p_payload ->> 'metadata', '{}')) is null
  then p_payload - ledger.text_keys()
  else ledger.set_texts_aside(p_event_id, p_account_id, p_stream_type, p_payload) end;
comment on function ledger.event_payload(bigint, uuid, text, jsonb) is
  'What goes into an event of what its operation says: everything but free texts.';
