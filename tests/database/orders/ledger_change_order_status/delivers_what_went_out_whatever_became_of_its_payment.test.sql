-- What went out arrives whatever the bank does; what is not paid by then is a receivable.
begin;
select plan(9);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
create function pg_temp.bounced(p_order text) returns text language plpgsql as $$
declare
  v_payment_id uuid;
begin
  perform tests.place_named_order(p_order, 'alice', tests.lines('mug x 2'), 'bank_transfer');
  select p.payment_id into v_payment_id from ledger_record_payment(tests.order_id(p_order), 2000) p;
  perform tests.move_order(tests.order_id(p_order), 'processing', 'shipped');
  return (select v.payment_status from ledger_void_payment(v_payment_id, 'bounced') v);
end $$;
select is(pg_temp.bounced(n), 'unpaid', format('the transfer for %s bounces when it is on its way', n)) from unnest('{one,two}'::text[]) n;
select is((select order_status from tests.change_status('one', 'delivered')), 'delivered', 'it is delivered by a change of its status');
select is((select c.order_status from shipments s, ledger_confirm_delivery(s.id) c where s.order_id = tests.order_id('two')), 'delivered', 'or when its shipment has arrived');
select results_eq(
  $$ select o.status, o.payment_status, o.amount_due from unnest('{one,two}'::text[]) n cross join lateral tests.order_named(n) o $$,
  $$ values ('delivered', 'unpaid', 2000::bigint), ('delivered', 'unpaid', 2000) $$, 'the customer owes both');
select is(tests.booked('alice', 'receivable') || '/' || tests.booked('alice', 'revenue') || '/' || tests.booked('alice', 'order_escrow'), '4000/4000/0',
  'a receivable beside the revenue');
select is((select payment_status from ledger_record_payment(tests.order_id('two'), 2000)), 'paid', 'which is paid later');
select is((select error_code from tests.place_named_order('three', 'alice', tests.lines('mug x 1'), 'bank_transfer') o,
                  ledger_change_order_status(tests.get_supabase_uid('alice'), o, 'pending', 'processing', 1000)), 'payment_required',
  'what has not gone out still waits for its money');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
