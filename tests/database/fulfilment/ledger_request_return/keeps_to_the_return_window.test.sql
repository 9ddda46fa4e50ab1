begin;
select plan(9);

select tests.create_variant('mug', price => 1000, stock => 20);
select tests.create_customer('alice', 20000);
select tests.create_staff('warehouse', 'warehouse');
select tests.place_named_order('first', 'alice', tests.lines('mug x 3'));
select tests.move_order(tests.order_id('first'), 'processing');
select tests.expect_success(s) from ledger_ship_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 1}]') s;
select tests.expect_success(s) from ledger_ship_order(tests.order_id('first')) s;
select tests.move_order(tests.order_id('first'), 'delivered');
create function tests.arrived(number integer, days integer) returns void language sql as $$
  select tests.tamper(format('update public.shipments set delivered_at = clock_timestamp() - interval ''%s days'' where shipment_number = %s', days, number));
$$;
create function tests.asks(who text, units integer) returns text language sql volatile as $$
  select tests.outcome(who, format('ledger_request_return(tests.order_id(''first''), ''[{"line_number": 1, "quantity": %s}]'', p_user_id => tests.get_supabase_uid(''alice''))', units));
$$;

select is(tests.asks('alice', 3), 'success', 'what has just arrived can come back');
select tests.arrived(1, 29);
select is(tests.asks('alice', 3), 'success', 'and what arrived 29 days ago');
select tests.arrived(1, 31);
select is(tests.asks('alice', 2), 'success', 'of two shipments the later one''s units');
select is(tests.asks('alice', 3), 'units_not_returnable', 'but not those of the one that arrived 31 days ago');
select tests.arrived(2, 31);
select is(tests.asks('alice', 1), 'return_not_allowed', 'when the window of all is over nothing comes back');
select is(
  (select error_details ->> 'reason' from tests.get_supabase_uid('alice') a, lateral (select tests.authenticate_as('alice')) w,
     lateral ledger_request_return(tests.order_id('first'), '[{"line_number": 1, "quantity": 1}]')),
  'its return window of 30 days is over', 'the refusal says so');
select tests.act_as_owner();
select is(tests.asks('warehouse', 3), 'success', 'staff ask at any time');
select tests.set_setting('return_window_days', '40');
select is(tests.asks('alice', 3), 'success', 'the window is a setting');
select tests.set_setting('return_window_days', '0');
select is(tests.asks('alice', 1), 'return_not_allowed', 'which may be none');

select * from finish();
rollback;
