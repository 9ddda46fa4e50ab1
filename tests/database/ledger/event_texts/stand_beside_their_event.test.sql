-- What people write is not in a sealed event but beside it, and a change of it shows.
begin;
select plan(18);
select tests.create_customer('alice', 5000), tests.create_customer('bob', 5000), tests.create_staff('warehouse', 'warehouse'), tests.create_staff('finance', 'finance');
select tests.create_variant('mug', 10, 1000);
select tests.place_named_order('ring twice', 'alice', tests.items('mug'));
select tests.expect_success(c) from tests.change_status('ring twice', 'processing', '{"shift": "early"}') c;
select tests.expect_success(c) from ledger_credit_account(tests.get_supabase_uid('alice'), 100, p_notes => 'sorry', p_metadata => '{"case": 7}') c;
create temp table written as
  select e.id, e.event_type, e.payload, t.texts, t.salt, t.account_id = e.account_id and t.stream_type = e.stream_type as same
  from immutable_events e left join event_texts t on t.event_id = e.id
  where e.account_id is not null;

select set_eq('select event_type, texts from written where texts is not null', $$ values
    ('order.placed', '{"notes": "ring twice"}'::jsonb), ('order.status_changed', '{"metadata": {"shift": "early"}}'), ('account.credited', '{"notes": "sorry", "metadata": {"case": 7}}') $$,
  'texts stand beside their events');
select is_empty($$ select event_type from written where payload ?| '{notes,metadata,reason}' or payload::text ~ 'ring|early|sorry' $$, 'and not in them');
select is_empty($$ select event_type from written where (payload ? 'texts_digest') <> (texts is not null) or not same $$, 'an event with texts has their digest, and they its account and stream');
select is_empty($$ select event_type from written where payload ->> 'texts_digest' <> encode(sha256(convert_to(salt::text || texts::text, 'UTF8')), 'hex') $$, 'which is a salted SHA-256');
select is((select count(*)::int from written where texts is null), 2, 'an event without a word has no row here');
select set_eq($$ select payload ->> 'notes' from tests.messages('order.placed', '{}') as payload $$, $$ values ('ring twice') $$, 'messages say the texts');
select is_empty($$ select 1 from tests.messages('order.placed', '{}') as payload where payload ? 'texts_digest' $$, 'and not the digest');
select is((select notes from order_status_history where order_id = tests.order_id('ring twice') and status = 'pending'), 'ring twice', 'and so does an order''s history');

-- who sees the event sees its texts
select is(tests.count_as('alice', 'public.event_texts'), '3', 'the customer sees theirs');
select is(tests.count_as('bob', 'public.event_texts'), '0', 'another customer sees none');
select is(tests.count_as('warehouse', 'public.event_texts'), '2', 'order staff see those of orders');
select is(tests.count_as('finance', 'public.event_texts'), '3', 'auditors see all');
select is(tests.count_as('anon', 'public.event_texts'), '42501', 'visitors see none');

-- tampering
select matches(tests.error_as('postgres', $$ update public.event_texts set texts = '{"notes": "x"}' $$), '^42501: update on event_texts is refused', 'nobody changes them');
select tests.tamper($$ update public.event_texts set texts = '{"notes": "ring once"}' where texts ->> 'notes' = 'ring twice' $$);
select results_eq('select check_code from ledger.book_differences()', $$ values ('text_is_its_events') $$, 'a change behind the guards is found');
select tests.tamper($$ delete from public.event_texts where texts ->> 'notes' = 'ring once' $$);
select results_eq('select check_code from ledger.book_differences()', $$ values ('event_has_its_text') $$, 'and so is a text that was removed though nobody was erased');
select matches(tests.error_as('postgres', 'truncate public.event_texts'), '^42501', 'nobody truncates them');
select is(ledger.event_payload(0, gen_random_uuid(), 'test', '{"a": 1, "notes": null, "metadata": {}, "reason": ""}'), '{"a": 1}', 'nothing is no text');
select * from finish();
rollback;
