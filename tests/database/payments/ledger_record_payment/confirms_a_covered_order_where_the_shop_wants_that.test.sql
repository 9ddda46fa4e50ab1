begin;
select plan(9);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.create_staff('fay', 'finance');
select tests.set_setting('auto_confirm_when_paid', 'true');
select tests.place_named_order('transfer', 'alice', tests.lines('mug x 2'), 'bank_transfer');

select tests.authenticate_as('fay');
select results_eq(
  $$ select order_status, payment_status from ledger_record_payment(tests.order_id('transfer'), 1999) $$,
  $$ values ('pending', 'partially_paid') $$, 'one unit short the order stays pending');
select results_eq(
  $$ select order_status, payment_status, outstanding_amount from ledger_record_payment(tests.order_id('transfer'), 1) $$,
  $$ values ('confirmed', 'paid', 0::bigint) $$, 'covered, it is confirmed at once (source 004, AUTO_CONFIRM_ORDERS)');
select tests.act_as_owner();
select results_eq(
  $$ select h.from_status, h.status, h.notes, h.created_by from order_status_history h where h.order_id = tests.order_id('transfer') order by h.event_id $$,
  $$ values (null, 'pending', 'transfer', tests.get_supabase_uid('alice')),
            ('pending', 'confirmed', 'confirmed when it was paid', tests.get_supabase_uid('fay')) $$, 'its history says why');
select results_eq(
  $$ select t.type from transactions t where t.order_id = tests.order_id('transfer') order by t.account_version $$,
  $$ values ('order_created'), ('payment_recorded'), ('payment_recorded'), ('order_status_changed') $$, 'the change is a transaction of its own');
select is((select m.stage from order_management m where m.order_id = tests.order_id('transfer')), 'warehouse_ready', 'it is ready for the warehouse (DESIGN section 7)');

select tests.place_named_order('further', 'alice', tests.lines('mug x 1'), 'bank_transfer');
delete from order_status_transitions where from_status = 'pending' and to_status = 'confirmed';
select is((select order_status from ledger_record_payment(tests.order_id('further'), 1000)), 'pending', 'where the step was taken out, the order stays');

select tests.set_setting('auto_confirm_when_paid', 'false');
select tests.place_named_order('by hand', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select is((select order_status from ledger_record_payment(tests.order_id('by hand'), 1000)), 'pending', 'without the setting somebody confirms it');
select is((select payment_status from tests.order_named('by hand')), 'paid', 'though it is paid');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
