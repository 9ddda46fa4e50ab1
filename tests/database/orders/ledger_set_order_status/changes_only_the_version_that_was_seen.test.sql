begin;
select plan(16);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 5000);
select tests.create_staff('admin', 'admin');
select tests.create_staff('finance', 'finance');
select tests.create_staff('vendor', 'vendor');
select tests.create_staff('logistics', 'logistics');
select tests.place_named_order('a', 'alice', tests.lines('mug x 2'));

create function pg_temp.set_status(p_who text, p_status text, p_version bigint default null, p_key text default null) returns jsonb
language plpgsql as $$
declare
  v_answer jsonb;
begin
  perform tests.authenticate_as(p_who);
  select to_jsonb(s) into v_answer
  from public.ledger_set_order_status(tests.order_id('a'), p_status, p_version, 'why', '{"shelf": 7}', p_key) s;
  reset role;
  return v_answer;
end $$;
create function pg_temp.now_is() returns text language sql as $$
  select status || ' ' || version from orders where id = tests.order_id('a');
$$;

select is(pg_temp.set_status('admin', 'confirmed', 2) ->> 'error_code', 'version_conflict', 'a version that is not the present one is refused');
select is(pg_temp.now_is(), 'pending 1', 'and nothing changes');
select is(pg_temp.set_status('admin', 'shipped', 1) ->> 'error_code', 'invalid_transition', 'what ledger_change_order_status refuses is refused');
select is(pg_temp.set_status('admin', 'lost', 1) ->> 'error_code', 'unknown_status', 'also a status that does not exist');
select is(pg_temp.set_status('admin', null, 1) ->> 'error_code', 'unknown_status', 'also none');

select is(pg_temp.set_status('finance', 'Confirmed', 1, 'k') - '{transaction_id,order_id}'::text[],
  '{"success": true, "error_code": null, "error_message": null, "error_details": null, "order_status": "confirmed",
    "payment_status": "paid", "returned_amount": 0, "available_balance": 3000, "version": 2}', 'the present version is changed, and the new one told');
select is(pg_temp.now_is(), 'confirmed 2', 'the order is changed');
select results_eq($$ select t.type, t.actor_action, t.metadata -> 'shelf' from transactions t where t.order_id = tests.order_id('a') order by t.account_version desc limit 1 $$,
  $$ values ('order_status_changed', 'why', '7'::jsonb) $$, 'with notes and metadata in its transaction');
select is(pg_temp.set_status('finance', 'Confirmed', 1, 'k') ->> 'version', '2', 'the same key answers the same, although the version has moved on');
select is(pg_temp.set_status('finance', 'Confirmed', 2, 'k') ->> 'error_code', 'idempotency_conflict', 'with other arguments it is refused');
select is(pg_temp.now_is(), 'confirmed 2', 'and nothing happened twice');

select is(pg_temp.set_status('admin', 'processing') ->> 'success', 'true', 'without a version it is changed from whatever it is');
select is(pg_temp.set_status('vendor', 'delivered') ->> 'error_code', 'order_not_found', 'for who does not see the order there is none');
select throws_ok($$ select pg_temp.set_status('logistics', 'cancelled') $$, '42501', null, 'who sees it is told what they lack');
reset role;
select throws_ok($$ select pg_temp.set_status('finance', 'delivered') $$, '42501', null, 'each role makes its own transitions only');
reset role;
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
