begin;
select plan(11);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 10000);

create function pg_temp.placed(p_payment_method text, p_default_status text, p_auto_confirm boolean) returns text language plpgsql as $$
declare
  v_name text := concat_ws(' ', p_payment_method, p_default_status, p_auto_confirm::text);
begin
  perform tests.set_setting('default_order_status', to_jsonb(p_default_status));
  perform tests.set_setting('auto_confirm_when_paid', to_jsonb(p_auto_confirm));
  perform tests.place_named_order(v_name, 'alice', tests.lines('mug x 1'), p_payment_method);
  return (select status || ' ' || payment_status from tests.order_named(v_name));
end $$;

select is(pg_temp.placed('wallet', 'pending', false), 'pending paid', 'as shipped an order is pending, also when paid (source 004)');
select is(pg_temp.placed('wallet', 'pending', true), 'confirmed paid', 'with auto-confirm a paid order is confirmed at once (source 004)');
select is(pg_temp.placed('bank_transfer', 'pending', true), 'pending unpaid', 'auto-confirm leaves an unpaid order pending');
select is(pg_temp.placed('wallet', 'confirmed', false), 'confirmed paid', 'the default status may be confirmed (source 004)');
select is(pg_temp.placed('wallet', 'processing', false), 'processing paid', 'the default status may be processing');
select is(
  pg_temp.placed('bank_transfer', 'processing', false), 'pending unpaid',
  'an unpaid order stays pending where the way to the default status needs a payment (DESIGN section 6)');
update order_status_transitions set needs_payment = false where from_status = 'pending' and to_status = 'processing';
select is(
  pg_temp.placed('bank_transfer', 'processing', true), 'processing unpaid', 'and opens with it where an admin lets it pass unpaid');
select is(
  (select h.status from order_status_history h where h.order_id = tests.order_id('wallet pending true')), 'confirmed',
  'the history begins with the status the order opened with');
select throws_ok(
  $$ select tests.set_setting('default_order_status', '"delivered"') $$, '23514', null,
  'a default status that would skip the work is refused by the settings');
select throws_ok(
  $$ select tests.set_setting('auto_confirm_when_paid', '"yes"') $$, '23514', null,
  'auto-confirm that is neither true nor false is refused by the settings');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
