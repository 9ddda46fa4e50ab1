begin;
select plan(65);

select tests.create_variant('mug');
select tests.create_customer('alice', 100000);
select tests.place_named_order('first', 'alice', tests.lines('mug x 1'));

-- DESIGN section 6: the stage follows from status and payment status alone
create temp table stages (status, payment_status, stage) as values
  ('pending', 'unpaid', 'finance_pending'), ('pending', 'partially_paid', 'finance_pending'),
  ('pending', 'partially_refunded', 'finance_pending'), ('pending', 'refunded', 'finance_pending'),
  ('pending', 'receipt_uploaded', 'finance_review'), ('pending', 'in_grace', 'bank_transfer_grace'),
  ('pending', 'paid', 'awaiting_confirmation'), ('pending', 'overpaid', 'awaiting_confirmation');
insert into stages
select s.status, p.payment_status, s.stage
from (values ('confirmed', 'warehouse_ready'), ('processing', 'warehouse_processing'), ('shipped', 'logistics_dispatched'),
             ('delivered', 'delivered'), ('rejected', 'rejected'), ('cancelled', 'cancelled'), ('refunded', 'refunded')) s (status, stage)
cross join unnest(array['unpaid', 'receipt_uploaded', 'in_grace', 'partially_paid', 'paid', 'overpaid', 'partially_refunded', 'refunded']) p (payment_status);

-- not every combination is reached by a procedure yet, so the row is put into each, as a procedure would
create function pg_temp.stage_of(p_status text, p_payment_status text) returns text language plpgsql as $$
begin
  perform set_config('ledger.procedure', 'test', true);
  update public.orders set status = p_status, payment_status = p_payment_status where id = tests.order_id('first');
  perform set_config('ledger.procedure', '', true);
  return (select m.stage from public.order_management m where m.order_id = tests.order_id('first'));
end $$;
select is((select count(*) from stages), 64::bigint, '8 statuses and 8 payment statuses');
select is(pg_temp.stage_of(s.status, s.payment_status), s.stage, format('%s and %s is %s', s.status, s.payment_status, s.stage)) from stages s;

select * from finish();
rollback;
