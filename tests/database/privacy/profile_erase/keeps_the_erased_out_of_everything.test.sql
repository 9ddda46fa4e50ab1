-- Nobody gives an erased person money or writes words of them, and what is written nevertheless goes when they are erased again.
begin;
select plan(31);
select tests.create_staff('admin', 'admin'), tests.create_variant('mug', 100, 1000);
select tests.create_customer('zara', 2000), tests.create_customer('friend', 5000), tests.create_supabase_user('new');
select tests.place_named_order('both', 'zara', tests.items('mug', 2));
select tests.move_order(tests.order_id('both'), 'processing', 'delivered');
select tests.place_named_order('no', 'zara', tests.items('mug'), 'bank_transfer'), tests.move_order(tests.order_id('no'), 'rejected');
create temp table person as
  select p.id, p.referral_code as code, tests.order_id('both') as order_id, tests.order_id('no') as rejected_id
  from profiles p where p.id = tests.get_supabase_uid('zara');
grant select on person to authenticated;

-- before: a role that they had, keys of their own, an entry in the auth server's log, an event sealed with its words
insert into user_roles values ((select id from person), 'warehouse');
delete from user_roles where user_id = (select id from person);
select tests.authenticate_as('zara');
select is((select success from order_draft_save(tests.items('mug'), p_idempotency_key => 'cart of zara@x')), true, 'they act under keys of their own');
select tests.act_as_owner();
insert into auth.audit_log_entries (id, payload)
select gen_random_uuid(), json_build_object('action', 'login', 'actor_id', id, 'actor_username', 'zara@x') from person
union all select gen_random_uuid(), json_build_object('action', 'user_invited', 'actor_id', tests.get_supabase_uid('admin'), 'traits', json_build_object('user_id', id, 'user_email', 'zara@x')) from person
union all select gen_random_uuid(), json_build_object('action', 'login', 'actor_id', tests.get_supabase_uid('friend'), 'actor_username', 'friend@x');
select set_config('ledger.procedure', 'test', true);
create temp table old_event (id bigint);
grant select on old_event to authenticated;
with e as (
  insert into immutable_events (event_type, stream_type, stream_id, account_id, payload, correlation_id)
  select 'order.status_changed', 'order', order_id, ledger.account_id(id, 'USD'), '{"to_status": "delivered", "notes": "ring at zara"}'::jsonb, gen_random_uuid() from person
  returning id, occurred_at, account_id, event_type)
, o as (insert into ledger.outbox (account_id, type, event_id, created_at) select account_id, event_type, id, occurred_at from e)
insert into old_event select id from e;
select set_config('ledger.procedure', '', true);
create function pg_temp.old_words() returns text language sql as $$
  select concat_ws(', ', (select h.notes from order_status_history h, old_event e where h.event_id = e.id),
                         (select m.payload ->> 'notes' from ledger.outbox_messages m join ledger.outbox o on o.id = m.id, old_event e where o.event_id = e.id));
$$;
select is(pg_temp.old_words(), 'ring at zara, ring at zara', 'words in an old event are shown');

create temp table erased as select e.* from person, profile_erase(person.id) e;
update auth.users set raw_user_meta_data = '{"test_identifier": "zara"}' where id = (select id from person);
select is((select success from erased), true, 'they are erased');

-- what went with them
select is((select count(*)::int from auth.audit_log_entries where payload::text ~ 'zara'), 0, 'the auth server''s log does not name them');
select is((select count(*)::int from auth.audit_log_entries where payload::text ~ 'friend'), 1, 'and still names others');
select is_empty('select key from ledger.idempotency_keys where key ~ ''zara''', 'the keys of their calls are gone');
select is(pg_temp.old_words(), '', 'and views show words in old events no more');
select tests.authenticate_as('admin');
select results_eq('select h.status, h.notes from order_status_history h, old_event e where h.event_id = e.id', $$ values ('delivered', null::text) $$, 'to staff neither');
select tests.act_as_owner();
select results_eq($$ select l.action, coalesce(l.details #>> '{new,role}', l.details #>> '{old,role}') from audit_log l, person where l.target_type = 'user_roles' and l.target_id = person.id::text order by l.id $$,
  $$ values ('insert', 'warehouse'), ('delete', 'warehouse') $$, 'which roles they had stays in the audit log');

-- nothing is theirs any more
create temp table before as select tests.state() as state;
select is(tests.try_as(who, call), expected, format('%s: %s for %s', expected, call, who)) from person, lateral (values
  ('zara', 'customer_not_found', format('select * from public.ledger_request_return(%L, ''[{"line_number": 1, "quantity": 1, "reason": "zara"}]'', ''zara'')', order_id)),
  ('admin', 'customer_not_found', format('select * from public.ledger_request_return(%L, ''[{"line_number": 1, "quantity": 1}]'', p_user_id => %L)', order_id, id)),
  ('admin', 'customer_not_found', format('select * from public.ledger_credit_account(%L, 500, p_notes => ''zara'')', id)),
  ('admin', 'customer_not_found', format('select * from public.ledger_credit_account(%L, 500, ''adjustment'')', id)),
  ('admin', 'customer_not_found', format('select * from public.ledger_credit_account(%L, 500, p_currency => ''EUR'')', id)),
  ('admin', 'customer_not_found', format('select * from public.ledger_refund_order(%L, p_amount => 100, p_reason => ''zara'')', order_id)),
  ('admin', 'customer_not_found', format('select * from public.ledger_change_order_status(%L, %L, ''delivered'', ''refunded'', 2000)', id, order_id)),
  ('admin', 'customer_not_found', format('select * from public.ledger_cancel_order(%L, ''zara'', p_user_id => %L)', rejected_id, id)),
  ('admin', 'customer_not_found', format('select * from public.ledger_record_payment(%L, 100, p_notes => ''zara'')', order_id)),
  ('admin', 'customer_not_found', format('select * from public.ledger_freeze_account(%L, false)', id)),
  ('friend', 'referral_code_not_found', format('select * from public.ledger_register_referral(%L)', code)),
  ('zara', 'customer_not_found', format('select * from public.ledger_register_referral(%L)', (select p.referral_code from profiles p where p.id = tests.get_supabase_uid('friend')))),
  ('admin', 'customer_not_found', format('select * from public.ledger_register_referral(%L, p_user_id => %L)', (select p.referral_code from profiles p where p.id = tests.get_supabase_uid('friend')), id))
) v (who, expected, call);
select is(tests.changes((select state from before), tests.state()), null, 'nothing of it changed anything');

-- by hand
select matches(tests.error_as('postgres', format('update public.profiles set erased_at = %s', value)), '^42501: update on profiles by hand is refused: .*\(Call profile_erase', 'nobody is erased, or not erased any more, by hand: ' || value)
from unnest('{now(),"null"}'::text[]) value;
set local session_replication_role = replica;
select is(tests.outcome_as('postgres', 'update public.profiles set erased_at = null'), '42501', 'in replica mode neither');
set local session_replication_role = origin;

-- what staff writes nevertheless goes when they are erased again
update orders set notes = 'zara phoned' where id = (select order_id from person);
select results_eq('select e.success, e.erased_at, e.sign_in_erased, e.error_code from person, profile_erase(person.id) e', 'select true, erased_at, true, null::text from erased',
  'erasing again succeeds, and they were erased when they were');
select is((select notes from orders, person where orders.id = person.order_id), null, 'what was written since is gone');
select is((select count(*)::int from audit_log where details::text ~ 'zara phoned'), 0, 'also from the audit log');
select is((select count(*)::int from immutable_events where event_type = 'profile.erased'), 1, 'and there is one event of it, as before');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
