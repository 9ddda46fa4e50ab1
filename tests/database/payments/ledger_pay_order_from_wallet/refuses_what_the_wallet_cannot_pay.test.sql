begin;
select plan(15);
select tests.create_customer('pia', 1000), tests.create_customer('rob', 9000), tests.create_variant('MUG', 10, 1500);
select tests.create_staff('finn', 'finance'), tests.create_staff('wes', 'warehouse');
create function pg_temp.place(p_who text, p_method text, p_quantity bigint) returns uuid language sql as $$
  select (tests.expect_success(o)).order_id from public.ledger_place_order(tests.items('MUG', p_quantity), p_method, p_user_id => tests.get_supabase_uid(p_who)) o;
$$;
create temp table placed as
  select pg_temp.place('pia', 'bank_transfer', 1) as due, pg_temp.place('rob', 'wallet', 1) as paid, pg_temp.place('rob', 'bank_transfer', 1) as rejected, pg_temp.place('rob', 'bank_transfer', 1) as robs;
select tests.move_order((select rejected from placed), 'rejected');

/* The error code of a call by somebody. */
create function pg_temp.refusal(p_who text, p_arguments text) returns text language plpgsql as $$
begin
  return (select tests.outcome_as(p_who, format('select * from public.ledger_pay_order_from_wallet(' || p_arguments || ')', due, paid, rejected, robs, tests.get_supabase_uid('rob'))) from placed);
end $$;
select is(pg_temp.refusal('pia', '%1$L'), 'insufficient_funds', 'more than the wallet holds');
select is(pg_temp.refusal('pia', '%1$L, 1001'), 'insufficient_funds', 'by one');
select is(pg_temp.refusal('rob', '%2$L'), 'order_not_payable', 'an order that is paid');
select is(pg_temp.refusal('rob', '%3$L'), 'order_not_payable', 'one that was rejected');
select is(pg_temp.refusal('rob', '%4$L, 1501'), 'invalid_amount', 'more than is due');
select is(pg_temp.refusal('rob', '%4$L, 0'), 'invalid_amount', 'nothing');
select is(pg_temp.refusal('rob', '%4$L, -5'), 'invalid_amount', 'less than nothing');
select is(pg_temp.refusal('rob', '%1$L'), 'order_not_found', 'somebody else''s order');
select is(pg_temp.refusal('pia', '%4$L, p_user_id => %5$L'), '42501', 'in somebody else''s name');
select is(pg_temp.refusal('wes', '%4$L, p_user_id => %5$L'), '42501', 'by staff who record no payments');
select is(pg_temp.refusal('service_role', '%4$L'), 'customer_required', 'by a backend for nobody');
select tests.expect_success(f) from ledger_freeze_account(tests.get_supabase_uid('rob'), true, 'looked into') f;
select is(pg_temp.refusal('rob', '%4$L'), 'account_frozen', 'from a frozen account');
select tests.expect_success(f) from ledger_freeze_account(tests.get_supabase_uid('rob'), false) f;
select is(pg_temp.refusal('finn', '%4$L, p_user_id => %5$L'), 'success', 'finance may, for a customer');
select is((select count(*)::int from transactions where type = 'order_paid_from_wallet'), 1, 'and nothing else was taken');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
