-- integrity_replay is for who may read the audit, and asks for exactly one thing.
begin;
select plan(15);
select tests.open_shop();
create temp table ids as
  select ledger.account_id(tests.get_supabase_uid('ann'), 'USD') as ann, (select o.id from public.orders o where o.user_id = tests.get_supabase_uid('bob')) as bobs;
select is(tests.outcome_as('ann', format('select * from public.integrity_replay(%L)', ann)), '42501', 'a customer may not replay, not even their own account') from ids;
select is(tests.outcome_as('warehouse', 'select * from public.integrity_replay(p_all => true)'), '42501', 'nor may the warehouse');
select is(tests.outcome_as('finance', format('select * from public.integrity_replay(%L)', ann)), 'success', 'finance may') from ids;
select is(tests.outcome_as('admin', 'select * from public.integrity_replay(p_all => true)'), 'success', 'so may an admin');

select is((select r.error_code from public.integrity_replay() r), 'invalid_argument', 'nothing');
select is((select r.error_code from public.integrity_replay(null, null, null, null) r), 'invalid_argument', 'nulls');
select is((select r.error_code from ids, public.integrity_replay(p_account_id => ann, p_order_id => bobs) r), 'invalid_argument', 'two things');
select is((select r.error_code from ids, public.integrity_replay(p_order_id => bobs, p_all => true) r), 'invalid_argument', 'one thing and all');
select ok((select r.success from ids, public.integrity_replay(p_order_id => bobs, p_all => null) r), 'null is not all');
select is((select r.error_code from public.integrity_replay(gen_random_uuid()) r), 'account_not_found', 'an account that nobody has');
select is((select r.error_code from ids, public.integrity_replay(bobs) r), 'account_not_found', 'an order''s id as an account''s');
select is((select r.error_code from ids, public.integrity_replay(p_order_id => ann) r), 'order_not_found', 'an account''s id as an order''s');
select is((select r.error_code from ids, public.integrity_replay(p_variant_id => bobs) r), 'invalid_argument', 'an order''s id as a variant''s');
select is((select (r.success, r.transaction_id, r.accounts, r.orders, r.variants)::text from ids, public.integrity_replay(ann) r), '(t,,1,0,0)', 'it says what it looked at');
select is((select p.provolatile::text from pg_proc p where p.oid = 'public.integrity_replay(uuid,uuid,uuid,boolean)'::regprocedure), 's', 'and writes nothing');
select * from finish();
rollback;
