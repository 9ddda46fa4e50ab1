begin;
select plan(9);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 1000);
select tests.create_staff('admin', 'admin'), tests.create_staff('finance', 'finance'), tests.create_staff('warehouse', 'warehouse');
select tests.place_named_order('paid', 'alice', tests.lines('mug x 1'));
select tests.place_named_order('unpaid', 'alice', tests.lines('mug x 1'), 'bank_transfer');

create function pg_temp.steps(p_who text, p_name text) returns text language plpgsql as $$
declare
  v_id uuid := tests.order_id(p_name);
  v_steps text;
begin
  perform tests.become(p_who);
  select t.next_steps::text into v_steps from public.order_tracking(v_id) t;
  perform tests.act_as_owner();
  return v_steps;
end $$;

select is(pg_temp.steps('admin', 'paid'), '["cancelled", "confirmed", "processing", "rejected"]', 'an admin can bring a paid order to all that may follow');
select is(pg_temp.steps('finance', 'paid'), '["cancelled", "confirmed", "rejected"]', 'finance to what its permissions allow');
select is(pg_temp.steps('warehouse', 'paid'), '["processing"]', 'and so the warehouse');
select is(pg_temp.steps('service_role', 'paid'), '["cancelled", "confirmed", "processing", "rejected"]', 'a backend may all');
select is(pg_temp.steps('admin', 'unpaid'), '["cancelled", "rejected"]', 'what needs the money is no step while it is due');

select tests.set_setting('cancellation_window_minutes', '0');
select is(pg_temp.steps('alice', 'paid'), '[]', 'after the cancellation window the customer cannot cancel');
select is(pg_temp.steps('finance', 'paid'), '["cancelled", "confirmed", "rejected"]', 'and staff still can');
select tests.move_order(tests.order_id('paid'), 'cancelled');
select is(pg_temp.steps('admin', 'paid'), '[]', 'a cancelled order is final');

update public.order_status_transitions set permission = 'orders.ship' where from_status = 'pending' and to_status = 'rejected';
select is(pg_temp.steps('warehouse', 'unpaid'), '["rejected"]', 'the transitions are rows, and a changed one counts at once');

select * from finish();
rollback;
