-- A wallet that pays after the order was placed leaves what it would have left at placing (source 000).
begin;
select plan(19);
select tests.create_customer('pia', 10000), tests.create_variant('MUG', 10, 1500);
create function pg_temp.place(p_method text, p_quantity bigint, p_wallet bigint default null) returns uuid language sql as $$
  select (tests.expect_success(o)).order_id
  from public.ledger_place_order(tests.items('MUG', p_quantity), p_method, p_wallet_amount => p_wallet, p_user_id => tests.get_supabase_uid('pia')) o;
$$;
create temp table placed as select pg_temp.place('bank_transfer', 2) as transfer, pg_temp.place('wallet_partial', 2, 500) as partial, pg_temp.place('bank_transfer', 1) as receipt;

grant select on placed to authenticated;
select tests.authenticate_as('pia');
create temp table part as select p.* from placed, ledger_pay_order_from_wallet(transfer, 1000) p;
create temp table rest as select p.* from placed, ledger_pay_order_from_wallet(transfer) p;
reset role;
select results_eq($$ select success, wallet_amount, order_status, payment_status, outstanding_amount, available_balance from part $$,
  $$ values (true, 1000::bigint, 'pending', 'partially_paid', 2000::bigint, 8500::bigint) $$, 'a part of it');
select results_eq($$ select success, wallet_amount, order_status, payment_status, outstanding_amount, available_balance from rest $$,
  $$ values (true, 2000::bigint, 'pending', 'paid', 0::bigint, 6500::bigint) $$, 'and all that is left');
select results_eq($$ select t.id, t.amount, t.balance_after, t.actor_id from transactions t, placed where t.order_id = transfer and t.type = 'order_paid_from_wallet' order by t.account_version $$,
  $$ select transaction_id, -1000::bigint, 8500::bigint, tests.get_supabase_uid('pia') from part union all select transaction_id, -2000, 6500, tests.get_supabase_uid('pia') from rest $$,
  'each is a transaction');
select results_eq($$ select p.debit_account, p.credit_account, p.amount from postings p join rest r on r.transaction_id = p.transaction_id $$,
  $$ values ('wallet', 'order_escrow', 2000::bigint) $$, 'out of the wallet into escrow');
select results_eq($$ select e.event_type, e.payload -> 'wallet_amount', e.payload ->> 'payment_status', e.payload -> 'effect' from immutable_events e join rest r on e.payload ->> 'transaction_id' = r.transaction_id::text $$,
  $$ values ('order.paid_from_wallet', '2000'::jsonb, 'paid', '{"total_orders": 2000}'::jsonb) $$, 'with its event');
select results_eq($$ select wallet_amount, paid_amount, amount_due from orders, placed where id = transfer $$, $$ values (3000::bigint, 3000::bigint, 0::bigint) $$, 'the order says so');
select is((select total_orders from accounts where user_id = tests.get_supabase_uid('pia')), 3500::bigint, 'and the account what its wallet has paid for orders');

-- what waits for it goes on, where the shop wants that
update public.settings set value = 'true' where key = 'auto_confirm_when_paid';
select is((select p.order_status from placed, ledger_pay_order_from_wallet(partial, p_user_id => tests.get_supabase_uid('pia')) p), 'confirmed', 'an order that is covered is confirmed');
select is((select wallet_amount from orders, placed where id = partial), 3000::bigint, 'its wallet has paid all of it in two parts');
update public.settings set value = 'false' where key = 'auto_confirm_when_paid';

-- cancelling gives the wallet back what it paid, both ways
select is((select c.returned_amount from placed, ledger_cancel_order(partial, p_user_id => tests.get_supabase_uid('pia')) c), 3000::bigint, 'a cancellation gives back all that the wallet paid');
select is((select available_balance from accounts where user_id = tests.get_supabase_uid('pia')), 7000::bigint, 'into the wallet');

-- a receipt under review does not hide what the wallet paid; what it then brings too much is wallet credit
select tests.expect_success(r) from placed, ledger_submit_receipt(receipt, 1500, 'P-1', p_user_id => tests.get_supabase_uid('pia')) r;
select is((select p.payment_status from placed, ledger_pay_order_from_wallet(receipt, 500, p_user_id => tests.get_supabase_uid('pia')) p), 'receipt_uploaded', 'a receipt stays under review while something is due');
select is((select p.payment_status from placed, ledger_pay_order_from_wallet(receipt, p_user_id => tests.get_supabase_uid('pia')) p), 'paid', 'and no longer when nothing is');
select is((select v.credit_amount from payment_receipts r, ledger_review_receipt(r.id, 'approve') v where r.reference = 'P-1'), 1500::bigint, 'a transfer that comes after all is wallet credit');

-- a delivered order owed it: the receivable is settled
insert into public.payment_methods (code, description, is_active) values ('bank_transfer_grace', 'later', true) on conflict (code) do update set is_active = true;
create temp table late as select pg_temp.place('bank_transfer_grace', 1) as id;
select tests.move_order((select id from late), 'confirmed', 'processing', 'shipped', 'delivered');
select is((select p.payment_status from late, ledger_pay_order_from_wallet(id, p_user_id => tests.get_supabase_uid('pia')) p), 'paid', 'an order that was delivered in grace is paid');
select results_eq($$ select p.debit_account, p.credit_account, p.amount from postings p join transactions t on t.id = p.transaction_id join late on t.order_id = late.id where t.type = 'order_paid_from_wallet' $$,
  $$ values ('wallet', 'receivable', 1500::bigint) $$, 'its receivable is settled');
select is((select d.status from payment_deadlines d join late on d.order_id = late.id), 'settled', 'and so is its deadline');
select is((select count(*)::int from audit_log a where a.action = 'order.paid_from_wallet'), 6, 'each payment is in the audit log');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
