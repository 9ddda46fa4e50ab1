begin;
select plan(5);

select tests.create_variant('mug', price => 1000, tax_rate_bp => 1000);
select tests.create_customer('alice', 1500);
select tests.create_customer('bob', 5000);
select tests.create_staff('warehouse', 'warehouse');
select tests.create_staff('vendor', 'vendor');
select tests.place_named_order('partly', 'alice', tests.lines('mug x 2'), 'wallet_partial');
select tests.place_named_order('whole', 'bob', tests.lines('mug x 1'));
select tests.move_order(tests.order_id('whole'), 'confirmed');

select tests.authenticate_as('alice');
select results_eq(
  $$ select c.status, c.payment_status, c.payment_method, c.subtotal_amount, c.tax_amount, c.total_amount, c.wallet_amount, c.paid_amount, c.amount_due
     from customer_orders c $$,
  $$ values ('pending', 'partially_paid', 'wallet_partial', 2000::bigint, 200::bigint, 2200::bigint, 1500::bigint, 1500::bigint, 700::bigint) $$,
  'a customer sees their own order with what is paid and due, and no other');
select results_eq('select m.order_id from order_management m', $$ select tests.order_id('partly') $$, 'also in the management''s view');
select tests.authenticate_as('warehouse');
select results_eq(
  $$ select m.stage, m.total_amount from order_management m where m.order_id in (tests.order_id('partly'), tests.order_id('whole')) order by 1 $$,
  $$ values ('finance_pending', 2200::bigint), ('warehouse_ready', 1100) $$, 'staff with orders.read see all, with their stages');
select tests.authenticate_as('vendor');
select is_empty('select from order_management', 'a vendor without orders.read sees none');
select tests.act_as_owner();

select is_empty(
  $$ select from customer_orders c full join order_management m using (order_id)
     where (c.order_number, c.status, c.payment_status, c.total_amount, c.paid_amount, c.refunded_amount, c.amount_due, c.updated_at)
           is distinct from (m.order_number, m.status, m.payment_status, m.total_amount, m.paid_amount, m.refunded_amount, m.amount_due, m.updated_at) $$,
  'what customers and the management see never disagrees (source 000)');

select * from finish();
rollback;
