-- DESIGN rule 8: staff have roles, roles have permissions, procedures ask for permissions.
begin;
select tests.open_shop();
select tests.open_repairs();
select tests.open_office();
select tests.receive('Z-1', 'olga', 100);
select tests.open_returns();
select tests.open_till();
select tests.open_trust();
select tests.open_refunds();
select tests.open_review();
select tests.open_warehouse();
select tests.open_imports();
select tests.open_cards();
select ledger.raise_alert('job_failed', 'seal events', 1);
select tests.open_old_orders();
create temp table ids as
  select tests.get_supabase_uid('bob') as bob, tests.get_supabase_uid('ann') as ann,
         (select o.id from public.orders o where o.user_id = tests.get_supabase_uid('bob')) as bobs_order,
         (select w.id from public.withdrawals w where w.user_id = tests.get_supabase_uid('bob')) as bobs_withdrawal,
         (select a.id from public.addresses a where a.user_id = tests.get_supabase_uid('ann')) as anns_address,
         tests.get_variant_id('MUG') as mug, tests.items('MUG') as items,
         tests.create_customer('dan') as dan,
         (select p.referral_code from public.profiles p where p.id = tests.get_supabase_uid('bob')) as bobs_code;
-- what a shipping order is for: processing, so that each role's step is tried from where it starts
create temp table may (call_name text, call text, permission text, roles text);
insert into may
select v.name, format(v.call, bob, bobs_order, bobs_withdrawal, anns_address, mug, items, bobs_code, ann, dan), v.permission, v.roles
from ids, (values
  ('credit', 'select * from public.ledger_credit_account(%1$L, 100)', 'accounts.credit', '{admin,finance}'),
  ('adjust', 'select * from public.ledger_credit_account(%1$L, 100, ''adjustment'')', 'accounts.adjust', '{admin}'),
  ('freeze', 'select * from public.ledger_freeze_account(%1$L, true, ''why'')', 'accounts.freeze', '{admin,finance}'),
  ('stock', 'select * from public.ledger_adjust_stock(%5$L, 1)', 'stock.adjust', '{admin,warehouse}'),
  ('spread stock', 'select * from public.ledger_spread_stock(%5$L, 4)', 'stock.adjust', '{admin,warehouse}'),
  ('reserve for a customer', 'select * from public.order_reserve(%6$L, p_user_id => %1$L)', 'orders.place', '{admin}'),
  ('release a reservation for a customer', 'select * from public.order_release_reservation((select id from public.stock_reservations), p_user_id => %8$L)', 'orders.place', '{admin}'),
  ('review', 'select * from public.ledger_review_withdrawal(%3$L, ''approve'')', 'withdrawals.review', '{admin,finance}'),
  ('withdraw for a customer', 'select * from public.ledger_request_withdrawal(10, ''{"iban": "B"}'', p_user_id => %1$L)', 'withdrawals.review', '{admin,finance}'),
  ('cancel a withdrawal for a customer', 'select * from public.ledger_cancel_withdrawal(%3$L, p_user_id => %1$L)', 'withdrawals.review', '{admin,finance}'),
  ('place for a customer', 'select * from public.ledger_place_order(%6$L, p_user_id => %1$L)', 'orders.place', '{admin}'),
  ('quote for a customer', 'select * from public.order_quote(%6$L, p_user_id => %1$L)', 'orders.place', '{admin}'),
  ('draft for a customer', 'select * from public.order_draft_save(%6$L, p_user_id => %1$L)', 'orders.place', '{admin}'),
  ('erase a customer', 'select * from public.profile_erase(%9$L)', 'customers.erase', '{admin}'),
  ('cancel for a customer', 'select * from public.ledger_cancel_order(%2$L, p_user_id => %1$L)', 'orders.cancel', '{admin,finance}'),
  ('save an address for a customer', 'select * from public.ledger_save_address(''A'', ''1'', ''B'', ''IQ'', p_user_id => %8$L)', 'orders.place', '{admin}'),
  ('delete an address for a customer', 'select * from public.ledger_delete_address(%4$L, %8$L)', 'orders.place', '{admin}'),
  ('register a referral for a customer', 'select * from public.ledger_register_referral(%7$L, p_user_id => %9$L)', 'orders.place', '{admin}'),
  ('read the trial balance', 'select true as success from public.report_trial_balance()', 'accounts.read', '{admin,finance}'),
  ('report on integrity', 'select * from public.report_integrity()', 'reports.read', '{admin,finance}'),
  ('report on orders', 'select * from public.report_orders()', 'reports.read', '{admin,finance}'),
  ('check drift', 'select * from public.integrity_check_drift()', 'audit.read', '{admin,finance}'),
  ('plan repairs', 'select * from public.reconciliation_plan()', 'audit.read', '{admin,finance}'),
  ('apply repairs', 'select * from public.reconciliation_apply(false)', 'integrity.repair', '{admin}'),
  ('undo a repair', 'select * from public.reconciliation_undo((select a.id from public.reconciliation_actions a))', 'integrity.repair', '{admin}'),
  ('acknowledge an alert', 'select * from public.ledger_acknowledge_alert((select a.id from public.alerts a))', 'alerts.handle', '{admin,finance}'),
  ('set a flag', 'select * from public.ledger_set_flag(''outbox_enabled'', ''off'')', 'flags.set', '{admin}'),
  ('run the checks', 'select * from public.integrity_run()', 'audit.read', '{admin,finance}'),
  ('check the books', 'select true as success from (select count(*) from public.integrity_check_books()) c', 'audit.read', '{admin,finance}'),
  ('verify the seals', 'select * from public.integrity_verify_seals()', 'audit.read', '{admin,finance}'),
  ('replay the events', 'select * from public.integrity_replay(p_all => true)', 'audit.read', '{admin,finance}'),
  ('read a checkpoint', 'select * from public.integrity_checkpoint()', 'audit.read', '{admin,finance}'),
  ('edit for a customer', 'select * from public.ledger_edit_order(%2$L, ''[{"line_number": 1, "quantity": 2}]'', p_user_id => %1$L)', 'orders.edit', '{admin,finance}'),
  ('issue an invoice', 'select * from public.ledger_issue_invoice(%2$L)', 'invoices.issue', '{admin,finance}'),
  ('credit an invoice', 'select * from public.ledger_credit_invoice(tests.invoice_id(''advice''), p_amount => 1)', 'invoices.issue', '{admin,finance}'),
  ('change an invoice', 'select * from public.ledger_change_invoice(tests.invoice_id(''advice''), p_notes => ''call first'')', 'invoices.issue', '{admin,finance}'),
  ('void an invoice', 'select * from public.ledger_void_invoice(tests.invoice_id(''spare''))', 'invoices.issue', '{admin,finance}'),
  ('give an order time', 'select * from public.ledger_extend_grace(tests.order_id(''out of time''), now() + interval ''1 day'')', 'grace.grant', '{admin,finance}'),
  ('set credit terms', 'select * from public.ledger_set_credit_terms(%1$L, ''USD'', 1000)', 'credit.grant', '{admin,finance}'),
  ('record a payment', 'select * from public.ledger_record_payment(%2$L, 100)', 'payments.record', '{admin,finance}'),
  ('release a payment', 'select * from public.ledger_release_payment((select id from public.payments where reference = ''T-2''), 1)', 'payments.record', '{admin,finance}'),
  ('allocate a payment', 'select * from public.ledger_allocate_payment(tests.payment_id(''Z-1''), tests.shares(''spare 1''))', 'payments.allocate', '{admin,finance}'),
  ('allocate a payment by a strategy', 'select * from public.ledger_auto_allocate_payment(tests.payment_id(''Z-1''))', 'payments.allocate', '{admin,finance}'),
  ('reverse an allocation', 'select * from public.ledger_reverse_allocation(tests.allocation_id(''O-2'', ''advice''))', 'payments.allocate', '{admin,finance}'),
  ('recalculate invoices', 'select * from public.invoice_recalculate()', 'accounts.read', '{admin,finance}'),
  ('mend invoices', 'select * from public.invoice_recalculate(p_repair => true)', 'payments.allocate', '{admin,finance}'),
  ('match a card payment', 'select * from public.ledger_match_card_payment((select c.id from public.card_payments c where c.order_id is null), %2$L)', 'payments.record', '{admin,finance}'),
  ('void a payment', 'select * from public.ledger_void_payment((select id from public.payments where reference = ''T-1''))', 'payments.record', '{admin,finance}'),
  ('begin an import', 'select * from public.import_begin(''payments'', ''x'')', 'imports.run', '{admin}'),
  ('stage an import', 'select * from public.import_stage(tests.import_run(''half a file''), 2, ''[]'', true)', 'imports.run', '{admin}'),
  ('analyse an import', 'select * from public.import_analyze(tests.import_run(''staged payments''))', 'imports.run', '{admin}'),
  ('apply an import', 'select * from public.import_apply(tests.import_run(''new payments''))', 'imports.run', '{admin}'),
  ('backfill an import', 'select * from public.import_backfill(tests.import_run(''old payments''), p_dry_run => true)', 'imports.run', '{admin}'),
  ('read about an import', 'select * from public.import_report(tests.import_run(''old payments''))', 'imports.run', '{admin}'),
  ('abort an import', 'select * from public.import_abort(tests.import_run(''half a file''))', 'imports.run', '{admin}'),
  ('refund', 'select * from public.ledger_refund_order((select o.id from public.orders o where o.user_id = tests.get_supabase_uid(''rita'') and o.status = ''delivered''), p_amount => 1)', 'orders.refund', '{admin,finance}'),
  ('send a receipt for a customer', 'select * from public.ledger_submit_receipt(p_amount => 1, p_reference => ''X'', p_user_id => %1$L)', 'payments.record', '{admin,finance}'),
  ('review a receipt', 'select * from public.ledger_review_receipt(tests.receipt_id(''Q-4''), ''approve'')', 'receipts.review', '{admin,finance}'),
  ('pay an order from a customer''s wallet', 'select * from public.ledger_pay_order_from_wallet((select o.id from public.orders o where o.order_number = ''E-WALLET''), 1, p_user_id => tests.get_supabase_uid(''eli''))', 'payments.record', '{admin,finance}'),
  ('fix orders of an older system', 'select * from public.integrity_emergency_order_fix()', 'integrity.repair', '{admin}'),
  ('withdraw a receipt for a customer', 'select * from public.ledger_withdraw_receipt(tests.receipt_id(''Q-4''), p_user_id => %1$L)', 'payments.record', '{admin,finance}'),
  ('settle a refund', 'select * from public.ledger_settle_refund((select min(f.id::text)::uuid from public.refunds f where f.payout_status = ''pending''), ''paid'')', 'refunds.settle', '{admin,finance}'),
  ('confirm', 'select * from public.ledger_change_order_status(%1$L, %2$L, ''pending'', ''confirmed'', 1250)', 'orders.confirm', '{admin,finance}'),
  ('reject', 'select * from public.ledger_change_order_status(%1$L, %2$L, ''pending'', ''rejected'', 1250)', 'orders.reject', '{admin,finance}'),
  ('process', 'select * from public.ledger_change_order_status(%1$L, %2$L, ''pending'', ''processing'', 1250)', 'orders.process', '{admin,warehouse}'),
  ('ship a part', 'select * from public.ledger_ship_order((select s.order_id from public.shipments s where s.delivered_at is null), ''[{"line_number": 1, "quantity": 1}]'')', 'orders.ship', '{admin,logistics,warehouse}'),
  ('confirm a delivery', 'select * from public.ledger_confirm_delivery((select s.id from public.shipments s where s.delivered_at is null))', 'orders.deliver', '{admin,logistics}'),
  ('ask for a return for a customer', 'select * from public.ledger_request_return((select o.id from public.orders o where o.user_id = tests.get_supabase_uid(''carol'')), ''[{"line_number": 1, "quantity": 1}]'', p_user_id => tests.get_supabase_uid(''carol''))', 'returns.review', '{admin,finance,warehouse}'),
  ('approve a return', 'select * from public.ledger_review_return((select r.id from public.returns r where r.status = ''requested''), ''approve'')', 'returns.review', '{admin,finance,warehouse}'),
  ('receive a return', 'select * from public.ledger_review_return((select r.id from public.returns r where r.status = ''approved''), ''receive'', p_refund => false)', 'returns.review', '{admin,finance,warehouse}'),
  ('receive a return with its money', 'select * from public.ledger_review_return((select r.id from public.returns r where r.status = ''approved''), ''receive'')', 'orders.refund', '{admin,finance}'),
  ('cancel as staff', 'select * from public.ledger_change_order_status(%1$L, %2$L, ''pending'', ''cancelled'', 1250)', 'orders.cancel', '{admin,finance}')
) v (name, call, permission, roles);
create temp table staff as select code as role from public.roles;

select plan((select count(*)::int from may, staff) + 5);
select is(tests.try_as(role, call), case when role = any (roles::text[]) then 'success' else '42501' end,
  format('%s %s: %s', role, case when role = any (roles::text[]) then 'may' else 'may not' end, call_name))
from may, staff;

-- the permission itself decides, not the role's name
select is_empty($$ select call_name from may m
                   where (select array_agg(r.role order by r.role) from public.role_permissions r where r.permission = m.permission) <> m.roles::text[] $$,
  'the roles above are those that have the permission');
delete from public.role_permissions where role = 'admin' and permission = 'accounts.credit';
select is(tests.try_as('admin', (select call from may where call_name = 'credit')), '42501', 'a permission taken from a role is gone at once');
insert into public.role_permissions values ('vendor', 'accounts.credit');
select is(tests.try_as('vendor', (select call from may where call_name = 'credit')), 'success', 'a permission given to a role is there at once');
insert into public.user_roles values (tests.get_supabase_uid('ann'), 'finance');
select is(tests.try_as('ann', (select call from may where call_name = 'review')), 'success', 'a customer who is made finance may review');
delete from public.user_roles where user_id = tests.get_supabase_uid('ann');
select is(tests.try_as('ann', (select call from may where call_name = 'review')), '42501', 'and no longer when the role is taken away');
select * from finish();
rollback;
