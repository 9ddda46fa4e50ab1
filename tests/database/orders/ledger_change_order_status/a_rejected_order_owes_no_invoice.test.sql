-- The invoice of a rejected order becomes void with it; one that was paid or credited keeps the order from being rejected.
begin;
select plan(18);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice'), tests.create_staff('fay', 'finance'), tests.create_staff('ada', 'admin');
select tests.offer('invoice');
select tests.trust('alice', 3000, 14);
select tests.place_named_order('first', 'alice', tests.lines('mug x 2'), 'invoice');
select is(tests.debt('alice'), '2000/0', 'an order on invoice is a debt');

select tests.authenticate_as('ada');
select results_eq(
  $$ select c.success, c.order_status, c.payment_status, c.returned_amount from tests.change_status('first', 'rejected') c $$,
  $$ values (true, 'rejected', 'unpaid', 0::bigint) $$, 'it is rejected');
select tests.act_as_owner();
select is(tests.debt('alice'), '0/0', 'and owed no more');
select results_eq(
  $$ select i.status, i.void_reason, i.voided_by, i.amount, i.total_amount from invoices i where i.order_id = tests.order_id('first') $$,
  $$ select 'void', 'order rejected', tests.get_supabase_uid('ada'), 0::bigint, 2000::bigint $$, 'its invoice is void, by who rejected it');
select is(
  array(select t.type from transactions t where t.order_id = tests.order_id('first') order by t.account_version),
  '{order_created,invoice_issued,invoice_voided,order_status_changed}'::text[], 'each in a transaction of its own');
select is(
  (select array_agg(m.invoiced_change order by m.account_version) from debt_movements m where m.account_id = (select id from tests.account('alice'))),
  '{2000,-2000}'::bigint[], 'the debt went by a movement');
select results_eq(
  $$ select m -> 'voided_amount', m ->> 'reason', m -> 'debt_effect' -> 'invoiced' from tests.messages('invoice.voided', '{}') m $$,
  $$ values ('2000'::jsonb, 'order rejected', '-2000'::jsonb) $$, 'which its event tells');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 3'), 'invoice') $$), 'success', 'the credit is there again, all of it');
select results_eq(
  $$ select p.credit_amount, p.unapplied_amount from ledger_record_payment(tests.order_id('first'), 2000) p $$,
  $$ values (2000::bigint, 0::bigint) $$, 'money that comes for it late is wallet credit');

-- what was paid of it is a person's to undo
select tests.place_named_order('paid', 'alice', tests.lines('mug x 2'), 'invoice');
select tests.expect_success(p) from ledger_record_payment(tests.order_id('paid'), 500) p;
create temp table before as select tests.state() as state;
select results_eq(
  $$ select c.error_code, c.error_details ->> 'order_number', c.error_details ->> 'invoice_number' from tests.change_status('paid', 'rejected') c $$,
  $$ select 'order_invoiced', o.order_number, i.invoice_number from tests.order_named('paid') o join invoices i on i.order_id = o.id $$,
  'an order of which a part is paid is not rejected');
select is(tests.changes((select state from before), tests.state()), null, 'and the refusal changed nothing');
select is(tests.outcome(null, $$ ledger_set_order_status(tests.order_id('paid'), 'rejected') $$), 'order_invoiced', 'however it is asked');
select is(
  (select b.error_code from ledger_bulk_change_status(array[tests.order_id('paid')], 'rejected') b), 'order_invoiced', 'also among many');
select is(tests.outcome(null, $$ tests.change_status('paid', 'cancelled') $$), 'success', 'it can be cancelled');
select tests.expect_success(c) from tests.change_status('paid', 'cancelled') c;
select tests.place_named_order('credited', 'alice', tests.lines('mug x 2'), 'invoice');
-- a shop that lets confirmed ones be rejected
insert into order_status_transitions (from_status, to_status, permission, needs_payment, customer_may) values ('confirmed', 'rejected', 'orders.reject', false, false);
select tests.expect_success(c) from tests.change_status('credited', 'confirmed') c;
select is(tests.outcome(null, $$ tests.change_status('credited', 'rejected') $$), 'success', 'a confirmed one is rejected where the shop allows it');
select tests.expect_success(r) from ledger_refund_order(tests.order_id('credited'), '[{"line_number": 1, "quantity": 1, "unshipped": true}]') r;
select is(tests.outcome(null, $$ tests.change_status('credited', 'rejected') $$), 'order_invoiced', 'but not with a credit note');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
