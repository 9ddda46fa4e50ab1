begin;
select plan(13);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 5000);
select tests.create_customer('bob', 5000);
select tests.create_customer('carol', 5000);
select tests.create_customer('dave', 5000);
select tests.create_staff('admin', 'admin');
create function tests.referral_code(identifier text) returns text language sql security definer as $$
  select p.referral_code from public.profiles p where p.id = tests.get_supabase_uid(identifier);
$$;

select tests.authenticate_as('bob');
select results_eq(
  $$ select success, referrer_user_id, rate_bp from ledger_register_referral(' ' || lower(tests.referral_code('alice')) || ' ', 'k1') $$,
  $$ values (true, tests.get_supabase_uid('alice'), 500) $$,
  'a new customer names who brought them, at the rate of the setting (source 003)');
select is(
  (select rate_bp from ledger_register_referral(' ' || lower(tests.referral_code('alice')) || ' ', 'k1')), 500, 'the same key gives the same answer');
select results_eq(
  $$ select error_code, error_message from ledger_register_referral(tests.referral_code('carol')) $$,
  $$ values ('referral_not_allowed', 'The referral cannot be registered: the customer already has a referrer.') $$,
  'a second referrer is refused');
select tests.authenticate_as('alice');
select is(
  (select error_message from ledger_register_referral(tests.referral_code('alice'))),
  'The referral cannot be registered: nobody can refer themselves.', 'nobody refers themselves');
select is((select error_code from ledger_register_referral('NOSUCHCODE')), 'referral_code_not_found', 'a code that nobody has is refused');
select is((select error_code from ledger_register_referral(null)), 'referral_code_not_found', 'so is none');
select tests.act_as_owner();

select tests.place_named_order('first', 'carol', tests.lines('mug x 1'));
select tests.move_order(tests.order_id('first'), 'cancelled');
select is(
  tests.outcome('carol', $$ ledger_register_referral(tests.referral_code('alice')) $$), 'referral_not_allowed',
  'a customer who has ordered, even if it was cancelled, is not referred any more');

select tests.set_setting('referral_rate_bp', '250');
select is(
  tests.outcome('bob', format('ledger_register_referral(%L, p_user_id => %L)', tests.referral_code('alice'), tests.get_supabase_uid('dave'))), '42501',
  'a customer registers nobody else');
select tests.authenticate_as('admin');
select is(
  (select rate_bp from ledger_register_referral(tests.referral_code('alice'), p_user_id => tests.get_supabase_uid('dave'))), 250,
  'staff with orders.place does; a changed rate holds from then on');
select tests.authenticate_as_service_role();
select is(
  (select error_code from ledger_register_referral(tests.referral_code('alice'))), 'customer_required', 'a backend says for whom');
select is(
  (select error_code from ledger_register_referral(tests.referral_code('alice'), p_user_id => gen_random_uuid())), 'customer_not_found',
  'a customer who does not exist is not found');
select tests.act_as_owner();

select results_eq(
  $$ select r.referee_user_id, r.rate_bp from referrals r where r.referrer_user_id = tests.get_supabase_uid('alice') order by r.rate_bp desc $$,
  $$ values (tests.get_supabase_uid('bob'), 500), (tests.get_supabase_uid('dave'), 250) $$,
  'an earlier referral keeps its rate');
select results_eq(
  $$ select e.event_type, e.actor_id from immutable_events e where e.stream_id = tests.get_supabase_uid('dave') $$,
  $$ values ('referral.registered', tests.get_supabase_uid('admin')) $$, 'a registration leaves an event');

select * from finish();
rollback;
