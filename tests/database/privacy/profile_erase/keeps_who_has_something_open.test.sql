-- Nobody is erased while money, goods or work of theirs is open, and only who may erase them does.
begin;
select plan(37);
select tests.create_staff('admin', 'admin'), tests.create_staff('finance', 'finance'), tests.create_variant('mug', 100, 1000), tests.create_customer('eve');
create function pg_temp.erase(p_name text) returns text language sql as $$
  select case when e.success then 'success' else e.error_code || ' ' || coalesce(e.error_details ->> 'counts', '') end
  from profile_erase(tests.get_supabase_uid(p_name)) e;
$$;

-- each reason by itself
select tests.create_customer('rich', 1);
select is(pg_temp.erase('rich'), 'erase_not_possible {"accounts with a balance": 1}', 'a balance');
select tests.create_customer('ordering'), tests.place_named_order('waiting', 'ordering', tests.items('mug'), 'bank_transfer');
select is(pg_temp.erase('ordering'), 'erase_not_possible {"open orders": 1}', 'an order that is not finished');
select tests.move_order(tests.order_id('waiting'), 'rejected');
select is(pg_temp.erase('ordering'), 'success', 'a rejected order that nobody paid is finished');
select tests.create_customer('rejected', 1000), tests.place_named_order('no', 'rejected', tests.items('mug'));
select tests.move_order(tests.order_id('no'), 'rejected');
select is(pg_temp.erase('rejected'), 'erase_not_possible {"open orders": 1}', 'a rejected one whose money is still with the house is not');
select tests.create_customer('owing'), tests.place_named_order('tick', 'owing', tests.items('mug'), 'bank_transfer');
update order_status_transitions set needs_payment = false;
select tests.move_order(tests.order_id('tick'), 'processing', 'delivered');
select is(pg_temp.erase('owing'), 'erase_not_possible {"orders with something to pay": 1}', 'a delivered order that is not paid');
select tests.create_customer('leaving', 1000);
select tests.expect_success(w) from ledger_request_withdrawal(1000, '{"iban": "X"}', p_user_id => tests.get_supabase_uid('leaving')) w;
select is(pg_temp.erase('leaving'), 'erase_not_possible {"open withdrawals": 1, "accounts with a balance": 1}', 'a withdrawal that is not paid');
select tests.create_customer('refunded'), tests.place_named_order('back', 'refunded', tests.items('mug'), 'bank_transfer');
select tests.expect_success(p) from ledger_record_payment(tests.order_id('back'), 1000) p;
select tests.expect_success(c) from ledger_cancel_order(tests.order_id('back'), p_user_id => tests.get_supabase_uid('refunded'), p_to => 'original') c;
select is(pg_temp.erase('refunded'), 'erase_not_possible {"refunds to be paid out": 1}', 'a refund that is not paid out');
select tests.expect_success(s) from refunds r, ledger_settle_refund(r.id, 'paid') s where r.order_id = tests.order_id('back');
select is(pg_temp.erase('refunded'), 'success', 'and once it is, nothing keeps them');
select tests.create_customer('returning', 1000), tests.place_named_order('return', 'returning', tests.items('mug'));
select tests.move_order(tests.order_id('return'), 'processing', 'delivered');
select tests.expect_success(r) from ledger_request_return(tests.order_id('return'), '[{"line_number": 1, "quantity": 1}]', p_user_id => tests.get_supabase_uid('returning')) r;
select is(pg_temp.erase('returning'), 'erase_not_possible {"open returns": 1}', 'a return that is not closed');
select tests.create_customer('showing'), tests.submit_receipt('showing', null, 100, 'S-1');
select is(pg_temp.erase('showing'), 'erase_not_possible {"receipts under review": 1}', 'a receipt that nobody has looked at');
select tests.create_customer('prepaid'), tests.receive('P-1', 'prepaid', 100);
select is(pg_temp.erase('prepaid'), 'erase_not_possible {"payments with a remainder": 1}', 'a payment that is not used up');
select is(pg_temp.erase('finance'), 'erase_not_possible {"staff roles": 1}', 'a staff role');
insert into vendors (name, owner_user_id) values ('Potter', tests.get_supabase_uid('eve'));
select is(pg_temp.erase('eve'), 'erase_not_possible {"vendors": 1}', 'a vendor');
update vendors set owner_user_id = null;
-- a frozen account
create function pg_temp.try_to_erase(p_who text, p_whom text) returns text language sql as $$
  select tests.try_as(p_who, format('select * from public.profile_erase(%L)', tests.get_supabase_uid(p_whom)));
$$;
select tests.create_customer('fraud', 100), tests.create_customer('innocent', 100);
select tests.expect_success(c) from unnest('{fraud,innocent}'::text[]) n (name), ledger_credit_account(tests.get_supabase_uid(n.name), -100, 'adjustment') c;
select tests.expect_success(f) from unnest('{fraud,innocent}'::text[]) n (name), ledger_freeze_account(tests.get_supabase_uid(n.name), true, 'chargeback, file 77') f;
select is(pg_temp.try_to_erase('fraud', 'fraud'), 'erase_not_possible', 'who is frozen does not erase themselves');
select is((select frozen_reason from accounts where user_id = tests.get_supabase_uid('fraud')), 'chargeback, file 77', 'and with them why');
select tests.authenticate_as('fraud');
select is((select error_details ->> 'counts' from profile_erase()), '{"frozen accounts": 1}', 'they are told what is in the way');
select tests.act_as_owner();
select is(pg_temp.try_to_erase('admin', 'innocent'), 'success', 'staff who may erase decide about it');
select is(pg_temp.erase('fraud'), 'success', 'and so does a backend');
select matches((select error_message from profile_erase(tests.get_supabase_uid('leaving'))), 'accounts with a balance: 1, open withdrawals: 1', 'the message names all of it');

-- a refusal changes nothing
create temp table before as select tests.state() as state;
select pg_temp.erase('rich');
select is(tests.changes((select state from before), tests.state()), null, 'who cannot be erased is as they were');

-- who may
select is(tests.try_as('finance', format('select * from public.profile_erase(%L)', tests.get_supabase_uid('eve'))), '42501', 'staff without customers.erase may not');
select is(tests.try_as('rich', format('select * from public.profile_erase(%L)', tests.get_supabase_uid('eve'))), '42501', 'nor may another customer');
select is(tests.try_as('anon', format('select * from public.profile_erase(%L)', tests.get_supabase_uid('eve'))), '42501', 'nor a visitor');
select is(tests.try_as('admin', format('select * from public.profile_erase(%L)', tests.get_supabase_uid('eve'))), 'success', 'staff with it may');
select is(tests.try_as('eve', 'select * from public.profile_erase()'), 'success', 'and everybody themselves');
select is(tests.try_as('service_role', format('select * from public.profile_erase(p_actor_id => %L)', tests.get_supabase_uid('eve'))), 'customer_required',
  'a backend says whom, and who acts is nobody to erase by mistake');
select is(tests.try_as('service_role', 'select * from public.profile_erase(gen_random_uuid())'), 'customer_not_found', 'nobody is not found');
select is(tests.try_as('eve', format('select * from public.profile_erase(p_reason => %L)', r)), 'invalid_argument', 'the reason is one of a list, so that it names nobody: ' || coalesce(r, 'null'))
from unnest('{"Eve asked for it",null}'::text[]) r;
select is(pg_temp.erase('eve'), 'success', 'a person without an account is erased too');

-- guards: what erasing may do is for profile_erase alone, and is no more than that
select matches(tests.error_as('postgres', $$ update public.transactions set actor_action = 'x' $$), '^42501', 'words of transactions change by no hand');
select matches(tests.error_as('postgres', 'delete from public.event_texts'), '^42501', 'texts of events go by no hand');
select set_config('ledger.procedure', 'ledger_place_order', true);
select matches(tests.error_as('postgres', $$ update public.transactions set actor_action = 'x' $$), '^42501', 'nor by another procedure');
select set_config('ledger.procedure', 'profile_erase', true);
select matches(tests.error_as('postgres', $$ update public.transactions set amount = amount + 1 $$), '^42501', 'erasing changes no amount of a transaction');
select matches(tests.error_as('postgres', $$ delete from public.transactions $$), '^42501', 'and removes none');
select matches(tests.error_as('postgres', $$ update public.immutable_events set payload = '{}' $$), '^42501', 'and changes no event');
select set_config('ledger.procedure', '', true);
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
