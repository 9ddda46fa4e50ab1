-- Whatever was written about a person, wherever it went, is found in no table afterwards, while books and seals hold.
begin;
select plan(34);
select tests.create_customer('other', 50000), tests.create_staff('admin', 'admin');
select tests.create_variant('mug', 100, 1000);
create temp table person as
  select tests.create_supabase_user('zara', 'zarathustra@example.com', '+964 770 zarathustra', '{"display_name": "Zarathustra"}') as id;
grant select on person to authenticated;
insert into auth.identities (id, provider, provider_id, user_id, identity_data)
select gen_random_uuid(), 'email', 'zarathustra', id, '{"email": "zarathustra@example.com"}' from person;
insert into auth.sessions (id, user_id, user_agent, ip) select gen_random_uuid(), id, 'Zarathustra''s phone', '10.0.0.1' from person;
insert into auth.audit_log_entries (id, payload) select gen_random_uuid(), json_build_object('actor_id', id, 'actor_username', 'zarathustra@example.com', 'action', 'login') from person;
insert into auth.refresh_tokens (id, token, user_id) select 'r1', 'zarathustra-token', id from person;

/* Steps of the shop's life with this person, each leaving words somewhere. */
create function pg_temp.live(p_user_id uuid) returns void language plpgsql as $$
declare
  v_address_id uuid;
  v_order_id uuid;
  v_payment_id uuid;
  v_return_id uuid;
  v_withdrawal_id uuid;
begin
  perform tests.expect_success(c) from public.ledger_credit_account(p_user_id, 20000, p_notes => 'from Zarathustra', p_metadata => '{"payer": "Zarathustra"}') c;
  v_address_id := (tests.expect_success(a)).address_id
    from public.ledger_save_address('Zarathustra', 'Zarathustra Street 1', 'Zarathustra Town', 'IQ', 'c/o Zarathustra', 'Basra', 'ZARATHUSTRA', '0770 zarathustra', p_user_id => p_user_id) a;
  perform tests.expect_success(a) from public.ledger_save_address('Zarathustra', '2', 'B', 'IQ', p_user_id => p_user_id) a;

  -- an order with every text there is, sent in a parcel, delivered, returned in part, refunded in part
  v_order_id := (tests.expect_success(o)).order_id
    from public.ledger_place_order(tests.items('mug', 5), p_shipping_address_id => v_address_id, p_billing_address_id => v_address_id,
      p_notes => 'ring at Zarathustra''s', p_metadata => '{"gift_for": "Zarathustra"}', p_user_id => p_user_id) o;
  perform tests.expect_success(c) from public.ledger_change_order_status(p_user_id, v_order_id, 'pending', 'processing', 5000, '{"caller": "Zarathustra"}', p_actor_action => 'Zarathustra phoned') c;
  perform tests.expect_success(s) from public.ledger_ship_order(v_order_id, null, 'DHL', 'TRACK-ZARATHUSTRA', p_metadata => '{"to": "Zarathustra"}') s;
  perform tests.expect_success(d) from public.ledger_confirm_delivery((select s.id from public.shipments s where s.order_id = v_order_id)) d;
  v_return_id := (tests.expect_success(r)).return_id
    from public.ledger_request_return(v_order_id, '[{"line_number": 1, "quantity": 1, "reason": "Zarathustra dropped it"}]', 'Zarathustra is unhappy', p_user_id => p_user_id) r;
  perform tests.expect_success(r) from public.ledger_review_return(v_return_id, 'approve', p_notes => 'call Zarathustra') r;
  perform tests.expect_success(r) from public.ledger_review_return(v_return_id, 'receive', '[{"line_number": 1, "received": 1, "restock": 1}]', 'from Zarathustra') r;
  perform tests.expect_success(r) from public.ledger_refund_order(v_order_id, p_amount => 100, p_reason => 'Zarathustra complained') r;

  -- a payment that was recorded by mistake, an order that was cancelled, an edited one
  v_order_id := (tests.expect_success(o)).order_id
    from public.ledger_place_order(tests.items('mug', 2), 'bank_transfer', p_notes => 'Zarathustra pays', p_user_id => p_user_id) o;
  v_payment_id := (tests.expect_success(r)).payment_id from public.ledger_record_payment(v_order_id, 2000, p_reference => 'SEPA 1', p_notes => 'from Zarathustra') r;
  perform tests.expect_success(r) from public.ledger_void_payment(v_payment_id, 'Zarathustra had not paid') r;
  perform tests.expect_success(e) from public.ledger_edit_order(v_order_id, '[{"line_number": 1, "quantity": 1}]', p_reason => 'Zarathustra wants one') e;
  perform tests.expect_success(c) from public.ledger_cancel_order(v_order_id, 'Zarathustra changed their mind', p_user_id => p_user_id) c;

  -- a receipt that was not taken
  perform tests.expect_success(s) from public.ledger_submit_receipt(p_amount => 1000, p_reference => 'SEPA 2', p_storage_path => p_user_id || '/zarathustra.pdf', p_notes => 'I am Zarathustra', p_user_id => p_user_id) s;
  perform tests.expect_success(r) from public.ledger_review_receipt((select r.id from public.payment_receipts r where r.user_id = p_user_id), 'reject', p_notes => 'not of Zarathustra') r;

  -- withdrawals, a frozen account, a draft
  v_withdrawal_id := (tests.expect_success(w)).withdrawal_id
    from public.ledger_request_withdrawal(1000, '{"iban": "X", "name": "Zarathustra"}', p_notes => 'Zarathustra', p_user_id => p_user_id) w;
  perform tests.expect_success(w) from public.ledger_review_withdrawal(v_withdrawal_id, 'reject', 'not Zarathustra''s account') w;
  v_withdrawal_id := (tests.expect_success(w)).withdrawal_id
    from public.ledger_request_withdrawal((select a.available_balance from public.accounts a where a.user_id = p_user_id), '{"name": "Zarathustra"}', p_user_id => p_user_id) w;
  perform tests.expect_success(f) from public.ledger_freeze_account(p_user_id, true, 'Zarathustra lost a card') f;
  perform tests.expect_success(f) from public.ledger_freeze_account(p_user_id, false, 'Zarathustra found it') f;
  perform tests.expect_success(s) from public.order_draft_save(tests.items('mug'), p_notes => 'for Zarathustra', p_user_id => p_user_id) s;

  -- hand edits in the dashboard
  update public.profiles set display_name = 'Zarathustra II' where id = p_user_id;
  update public.addresses set line2 = 'near Zarathustra' where user_id = p_user_id and line1 = '2';
  update public.orders set notes = 'Zarathustra again' where id = v_order_id;
end $$;
select tests.create_customer('friend', 5000);
select tests.expect_success(r) from profiles p, ledger_register_referral(p.referral_code, p_user_id => tests.get_supabase_uid('friend')) r
where p.id = (select id from person);
select pg_temp.live(id) from person;

/* Tables in which a word is found. */
create function pg_temp.traces(p_word text) returns table (relation text, number bigint) language plpgsql as $$
begin
  for relation in
    select c.oid::regclass::text from pg_catalog.pg_class c
    where c.relnamespace in ('public'::regnamespace, 'ledger'::regnamespace, 'auth'::regnamespace) and c.relkind in ('r', 'p') and not c.relispartition
  loop
    execute format('select count(*) from %s t where t::text ilike %L', relation, '%' || p_word || '%') into number;
    if number > 0 then
      return next;
    end if;
  end loop;
end $$;

select set_eq($$ select relation from pg_temp.traces('zarathustra') $$,
  $$ select unnest('{addresses,audit_log,auth.audit_log_entries,auth.identities,auth.refresh_tokens,auth.sessions,auth.users,event_texts,order_drafts,orders,payment_receipts,payments,profiles,
                    refunds,return_lines,returns,shipments,transactions,withdrawals}'::text[]) $$,
  'before, the person is in all these tables, and in no event');

-- what is open keeps them
select results_eq($$ select error_code, error_details -> 'counts' from person, profile_erase(person.id) $$,
  $$ values ('erase_not_possible', '{"accounts with a balance": 1, "open withdrawals": 1}'::jsonb) $$, 'money that waits to be paid out keeps them');
select tests.expect_success(r) from withdrawals w, ledger_review_withdrawal(w.id, 'approve', 'pay Zarathustra') r where w.status = 'requested';
select tests.expect_success(r) from withdrawals w, ledger_review_withdrawal(w.id, 'mark_paid', 'paid Zarathustra', 'SEPA 77') r where w.status = 'approved';

select tests.tamper('update public.immutable_events set written_by_xid = 3 where written_by_xid > 3');
select ledger.seal_events();
create temp table before as
  select (select jsonb_object_agg(t.id, to_jsonb(t) - 'actor_action' - 'metadata') from transactions t) as transactions,
         (select jsonb_object_agg(e.id, to_jsonb(e)) from immutable_events e) as events,
         (select jsonb_agg(to_jsonb(p) order by p.transaction_id, p.leg_number) from postings p) as postings,
         (select jsonb_agg(to_jsonb(o) - '{notes,metadata,shipping_address,billing_address,version,updated_at}'::text[] order by o.id) from orders o) as orders,
         (select jsonb_agg(to_jsonb(i) order by i.order_id, i.line_number) from order_items i) as items,
         (select jsonb_object_agg(a.user_id || a.currency, a.available_balance) from accounts a) as balances,
         (select p.referral_code from profiles p, person where p.id = person.id) as code;

-- the person asks
select tests.authenticate_as('zara');
create temp table answer as select e.* from profile_erase(p_idempotency_key => 'forget me') e;
select tests.act_as_owner();
select results_eq('select a.success, a.user_id = person.id, a.erased_at is not null, a.sign_in_erased, a.error_code from answer a, person', 'values (true, true, true, true, null::text)', 'the person erases themselves');
select is_empty($$ select * from pg_temp.traces('zarathustra') $$, 'no table has a word of them');
select is_empty($$ select * from pg_temp.traces('TRACK-') $$, 'nor the number that leads to their parcel');
select is_empty($$ select * from before, lateral pg_temp.traces(before.code) $$, 'nor the code by which others knew them');

-- sign-in
select results_eq($$ select u.email::text, u.phone::text, u.raw_user_meta_data::text, u.banned_until > now() + interval '100 years' from auth.users u, person where u.id = person.id $$,
  $$ select id || '@erased.invalid', null::text, '{}', true from person $$, 'nobody signs in with it any more');
select is((select count(*)::int from person, lateral (select user_id::text from auth.identities union all select user_id::text from auth.sessions union all select user_id::text from auth.refresh_tokens) s where s.user_id = person.id::text), 0, 'their sessions are over');
-- so that the helpers know them again
update auth.users u set raw_user_meta_data = '{"test_identifier": "zara"}' from person where u.id = person.id;

-- the books
select is((select jsonb_object_agg(t.id, to_jsonb(t) - 'actor_action' - 'metadata') from transactions t where (select b.transactions ? t.id::text from before b)), (select transactions from before), 'every transaction is as it was, but for its words');
select is((select jsonb_object_agg(e.id, to_jsonb(e)) from immutable_events e where (select b.events ? e.id::text from before b)), (select events from before), 'every event is as it was');
select is((select jsonb_agg(to_jsonb(p) order by p.transaction_id, p.leg_number) from postings p), (select postings from before), 'every posting');
select is((select jsonb_agg(to_jsonb(o) - '{notes,metadata,shipping_address,billing_address,version,updated_at}'::text[] order by o.id) from orders o), (select orders from before), 'every order, but for its words and addresses');
select is((select jsonb_agg(to_jsonb(i) order by i.order_id, i.line_number) from order_items i), (select items from before), 'every line');
select is((select jsonb_object_agg(a.user_id || a.currency, a.available_balance) from accounts a), (select balances from before), 'every balance');
select is_empty('select * from ledger.verify_seals() where problem is not null', 'the seals hold');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

-- what the tax office may ask for stays
select results_eq($$ select o.shipping_address, o.billing_address, o.total_amount from orders o where o.shipping_address is not null $$,
  $$ values ('{"country": "IQ", "region": "Basra"}'::jsonb, '{"country": "IQ", "region": "Basra"}'::jsonb, 5000::bigint) $$, 'where the goods went, for the tax');
select is((select array_agg(w.bank_reference) from withdrawals w where w.status = 'paid'), '{SEPA 77}'::text[], 'and the references of vouchers at the bank');

-- what is recorded of it, and that it is only once
select results_eq($$ select e.payload ->> 'grounds', (e.payload ->> 'accounts')::int, (e.payload ->> 'orders')::int, e.actor_id = person.id
                     from immutable_events e, person where e.event_type = 'profile.erased' $$, $$ values ('requested', 1, 2, true) $$, 'an event says that they were erased, and on what grounds');
select is((select count(*)::int from tests.messages('profile.erased', '{}')), 1, 'and a message, so that other systems follow');
create temp table after as select tests.state() as state;
select tests.authenticate_as('zara');
select results_eq($$ select success, erased_at from profile_erase(p_idempotency_key => 'forget me') $$, 'select success, erased_at from answer', 'the same key gets the same answer');
select results_eq($$ select success, erased_at from profile_erase() $$, 'select success, erased_at from answer', 'a second time there is nothing left to do');
select tests.act_as_owner();
select is(tests.changes((select state from after), tests.state()), null, 'and nothing is done');

-- a token that is still good buys nothing
update auth.users u set raw_user_meta_data = '{"test_identifier": "zara"}' from person where u.id = person.id;
select is(tests.try_as('zara', call), expected, format('%s for %s', expected, call)) from (values
  ('account_frozen', $$select * from public.ledger_place_order(tests.items('mug'), 'bank_transfer')$$),
  ('customer_not_found', $$select * from public.ledger_save_address('Z', '1', 'B', 'IQ')$$),
  ('customer_not_found', $$select * from public.order_draft_save(tests.items('mug'))$$),
  ('account_frozen', $$select * from public.ledger_request_withdrawal(1, '{"iban": "X"}')$$)) c (expected, call);
select tests.create_variant('rug', 5, 1000, 'EUR');
select is(tests.try_as('zara', $$select * from public.ledger_place_order(tests.items('rug'), 'bank_transfer')$$), 'customer_not_found', 'nor in a currency that they never had');

-- whom they brought buys on, and nobody earns by it
select results_eq($$ select r.rate_bp, r.referee_user_id = tests.get_supabase_uid('friend') from referrals r, person where r.referrer_user_id = person.id $$, 'values (0, true)', 'whom they brought earns them nothing any more');
select tests.move_order(tests.place_order('friend', 'mug'), 'processing', 'delivered');
select is((select a.available_balance from accounts a, person where a.user_id = person.id), 0::bigint, 'though the friend buys on');
select is_empty('select * from ledger.book_differences()', 'and the books are in order');
-- others
select is((select display_name is null and erased_at is null from profiles where id = tests.get_supabase_uid('other')), true, 'others are as they were');
select results_eq($$ select p.display_name, p.erased_at is not null from profiles p, person where p.id = person.id $$, $$ values (null::text, true) $$, 'the profile says when');
select is((select count(*)::int from addresses), 0, 'no address is left');
select * from finish();
rollback;
