-- Source 000: the statuses differ, the wallet paid without a transaction, a receipt was never looked at, or several of it.
begin;
select plan(16);
select tests.create_staff('ada', 'admin');
select tests.open_old_orders();

select results_eq($$ select o.order_number, tests.order_line(o.order_number) from orders o order by 1 $$,
  $$ values ('E-MIXED', 'pending unpaid finance_pending 2500'), ('E-RECEIPT', 'pending receipt_uploaded finance_review 2500'),
            ('E-STATUS', 'pending paid awaiting_confirmation 0'), ('E-WALLET', 'pending unpaid finance_pending 2500') $$,
  'they come in as far as they are proven');
select results_eq($$ select o.order_number, c.problems, c.customer_status, c.management_status, c.claimed_status, c.wallet_amount, c.receipt_id is not null
                     from imported_order_claims c join orders o on o.id = c.order_id order by 1 $$,
  $$ values ('E-MIXED', '{status_mismatch,wallet_without_transaction}'::text[], 'pending', 'delivered', 'delivered', 2500::bigint, false),
            ('E-RECEIPT', '{receipt_stuck}', 'pending', 'finance_review', 'pending', 0, true),
            ('E-STATUS', '{status_mismatch}', 'pending', 'logistics_dispatched', 'delivered', 0, false),
            ('E-WALLET', '{wallet_without_transaction}', 'pending', 'finance_pending', 'pending', 2500, false) $$,
  'and what was claimed beyond that is kept');
select is_empty('select * from ledger.book_differences()', 'the books are in order before anything is fixed');
select results_eq($$ select reference, amount, status, submitted_at from payment_receipts $$,
  $$ values ('E-REF', 2500::bigint, 'submitted', timestamptz '2020-03-01 10:00Z') $$, 'the receipt is under review, and as old as its order');

select tests.authenticate_as('ada');
create temp table dry as select f.* from integrity_emergency_order_fix() f;
create temp table done as select f.* from integrity_emergency_order_fix(p_user_id => tests.get_supabase_uid('eli'), p_dry_run => false) f;
create temp table again as select f.* from integrity_emergency_order_fix(p_dry_run => false) f;
reset role;
select is((select tests.fixed(orders) from dry), 'E-MIXED planned, E-RECEIPT planned, E-STATUS planned, E-WALLET planned', 'a dry run has a plan for each');
select results_eq($$ select dry_run, found_orders, fixed_orders, refused_orders, remaining_orders from done $$,
  $$ values (false, 4::bigint, 4::bigint, 0::bigint, 0::bigint) $$, 'and then all are fixed');
select results_eq($$ select o.order_number, tests.order_line(o.order_number) from orders o order by 1 $$,
  $$ values ('E-MIXED', 'delivered paid delivered 0'), ('E-RECEIPT', 'confirmed paid warehouse_ready 0'),
            ('E-STATUS', 'delivered paid delivered 0'), ('E-WALLET', 'confirmed paid warehouse_ready 0') $$,
  'they are where the older system should have had them');
select is((select available_balance from accounts where user_id = tests.get_supabase_uid('eli')), 5000::bigint, 'the wallet has paid twice');
select results_eq($$ select t.type, t.amount, o.order_number from transactions t join orders o on o.id = t.order_id where t.amount <> 0 order by 3 $$,
  $$ values ('order_paid_from_wallet', -2500::bigint, 'E-MIXED'), ('order_paid_from_wallet', -2500, 'E-WALLET') $$, 'by a transaction each');
select results_eq($$ select r.status, p.amount, p.source, p.reference from payment_receipts r join payments p on p.id = r.payment_id $$,
  $$ values ('approved', 2500::bigint, 'receipt', 'E-REF') $$, 'the receipt is approved');
select results_eq($$ select h.status from order_status_history h join orders o on o.id = h.order_id where o.order_number = 'E-STATUS' order by h.event_id $$,
  $$ values ('pending'), ('confirmed'), ('processing'), ('shipped'), ('delivered') $$, 'no status was left out on the way');
select is((select count(*)::int from shipments s join orders o on o.id = s.order_id where o.status = 'delivered' and s.delivered_at is not null), 2, 'what was delivered has its parcel');
select results_eq($$ select e.payload ->> 'order_number', e.payload -> 'problems', e.payload #>> '{found,stage}', e.payload #>> '{became,stage}', e.actor_id
                     from immutable_events e where e.event_type = 'integrity.order_fixed' order by 1 $$,
  $$ select v.number, v.problems::jsonb, v.found, v.became, tests.get_supabase_uid('ada') from (values
       ('E-MIXED', '["status_mismatch", "wallet_without_transaction"]', 'finance_pending', 'delivered'),
       ('E-RECEIPT', '["receipt_stuck"]', 'finance_review', 'warehouse_ready'),
       ('E-STATUS', '["status_mismatch"]', 'awaiting_confirmation', 'delivered'),
       ('E-WALLET', '["wallet_without_transaction"]', 'finance_pending', 'warehouse_ready')) v (number, problems, found, became) $$,
  'one event for each says what was found and done, and by whom');
select is((select count(*)::int from audit_log a where a.action = 'integrity.order_fixed'), 4, 'and so does the audit log');
select is((select to_jsonb(a) ->> 'orders' from again a), '[]', 'a second run finds nothing to do');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
