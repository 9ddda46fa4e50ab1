-- DESIGN rules 8 and 9: what belongs to somebody else is not found, and nobody speaks for another.
begin;
select tests.open_shop();
select tests.open_office();
select tests.open_returns();
select tests.open_review();
create temp table ids as
  select tests.get_supabase_uid('ann') as ann, tests.get_supabase_uid('bob') as bob,
         (select o.id from public.orders o where o.user_id = tests.get_supabase_uid('bob')) as bobs_order,
         (select o.total_amount from public.orders o where o.user_id = tests.get_supabase_uid('bob')) as bobs_total,
         (select w.id from public.withdrawals w where w.user_id = tests.get_supabase_uid('bob')) as bobs_withdrawal,
         (select a.id from public.addresses a where a.user_id = tests.get_supabase_uid('ann')) as anns_address,
         tests.get_variant_id('MUG') as mug, tests.items('MUG') as items,
         (select p.referral_code from public.profiles p where p.id = tests.get_supabase_uid('bob')) as bobs_code;
create temp table before as select tests.state() as state;

create temp table asked (expected text, who text, sentence text, call text);
insert into asked
select v.expected, v.who, v.sentence, format(v.call, bob, bobs_order, bobs_total, bobs_withdrawal, anns_address, mug, items, bobs_code, ann)
from ids, (values
  -- %1$L bob, %2$L his order, %3$L its total, %4$L his withdrawal, %5$L ann's address, %6$L a variant, %7$L items, %8$L bob's code, %9$L ann
  ('order_not_found', 'ann', 'cancel another''s order', 'select * from public.ledger_cancel_order(%2$L)'),
  ('order_not_found', 'ann', 'cancel another''s order as her own', 'select * from public.ledger_cancel_order(%2$L, p_user_id => %9$L)'),
  ('42501', 'ann', 'cancel another''s order in his name', 'select * from public.ledger_cancel_order(%2$L, p_user_id => %1$L)'),
  ('order_not_found', 'ann', 'edit another''s order', 'select * from public.ledger_edit_order(%2$L, ''[{"line_number": 1, "quantity": 2}]'')'),
  ('42501', 'ann', 'edit another''s order in his name', 'select * from public.ledger_edit_order(%2$L, ''[{"line_number": 1, "quantity": 2}]'', p_user_id => %1$L)'),
  ('42501', 'ann', 'erase another', 'select * from public.profile_erase(%1$L)'),
  ('42501', 'ann', 'keep a draft in another''s name', 'select * from public.order_draft_save(%7$L, p_user_id => %1$L)'),
  ('draft_not_found', 'ann', 'place another''s draft', 'select * from public.order_draft_place((select d.id from public.order_drafts d where d.user_id = %1$L))'),
  ('42501', 'bob', 'change his own order in bulk', 'select * from public.ledger_bulk_change_status(array[%2$L]::uuid[], ''confirmed'')'),
  ('42501', 'finance', 'change orders in bulk in another''s name', 'select * from public.ledger_bulk_change_status(array[%2$L]::uuid[], ''confirmed'', p_actor_id => %9$L)'),
  ('42501', 'admin', 'erase a customer in another''s name', 'select * from public.profile_erase(%1$L, p_actor_id => %9$L)'),
  ('withdrawal_not_found', 'ann', 'cancel another''s withdrawal', 'select * from public.ledger_cancel_withdrawal(%4$L)'),
  ('42501', 'ann', 'cancel another''s withdrawal in his name', 'select * from public.ledger_cancel_withdrawal(%4$L, p_user_id => %1$L)'),
  ('42501', 'ann', 'request a withdrawal in another''s name', 'select * from public.ledger_request_withdrawal(1, ''{"iban": "X"}'', p_user_id => %1$L)'),
  ('42501', 'ann', 'place an order in another''s name', 'select * from public.ledger_place_order(%7$L, p_user_id => %1$L)'),
  ('address_not_found', 'bob', 'have an order sent to another''s address', 'select * from public.ledger_place_order(%7$L, p_shipping_address_id => %5$L)'),
  ('address_not_found', 'bob', 'have an order billed to another''s address', 'select * from public.ledger_place_order(%7$L, p_billing_address_id => %5$L)'),
  ('address_not_found', 'bob', 'change another''s address', 'select * from public.ledger_save_address(''B'', ''2'', ''C'', ''IQ'', p_address_id => %5$L)'),
  ('42501', 'bob', 'change another''s address in her name', 'select * from public.ledger_save_address(''B'', ''2'', ''C'', ''IQ'', p_address_id => %5$L, p_user_id => %9$L)'),
  ('address_not_found', 'bob', 'delete another''s address', 'select * from public.ledger_delete_address(%5$L)'),
  ('42501', 'bob', 'delete another''s address in her name', 'select * from public.ledger_delete_address(%5$L, %9$L)'),
  ('42501', 'ann', 'register a referral for another', 'select * from public.ledger_register_referral(%8$L, p_user_id => %1$L)'),
  ('order_not_found', 'ann', 'return another''s order', 'select * from public.ledger_request_return(%2$L, ''[{"line_number": 1, "quantity": 1}]'')'),
  ('42501', 'ann', 'return another''s order in his name', 'select * from public.ledger_request_return(%2$L, ''[{"line_number": 1, "quantity": 1}]'', p_user_id => %1$L)'),
  ('42501', 'ann', 'approve her own return', 'select * from public.ledger_review_return((select r.id from public.returns r where r.status = ''requested''), ''approve'')'),
  ('42501', 'ann', 'ship her own order', 'select * from public.ledger_ship_order((select s.order_id from public.shipments s where s.delivered_at is null))'),
  ('42501', 'ann', 'say that her own parcel has arrived', 'select * from public.ledger_confirm_delivery((select s.id from public.shipments s where s.delivered_at is null))'),
  ('invoice_not_found', 'ann', 'print another''s invoice', 'select * from public.invoice_document(tests.invoice_id(''advice''))'),
  ('42501', 'ann', 'issue an invoice', 'select * from public.ledger_issue_invoice(p_user_id => %9$L, p_lines => ''[{"description": "work", "quantity": 1, "unit_price_amount": 1}]'')'),
  ('42501', 'ann', 'credit her own invoice', 'select * from public.ledger_credit_invoice(tests.invoice_id(''rent''), p_amount => 1)'),
  ('42501', 'ann', 'change her own invoice', 'select * from public.ledger_change_invoice(tests.invoice_id(''rent''), now() + interval ''1 year'')'),
  ('42501', 'ann', 'void her own invoice', 'select * from public.ledger_void_invoice(tests.invoice_id(''rent''))'),
  ('42501', 'finance', 'issue an invoice in another''s name', 'select * from public.ledger_issue_invoice(%2$L, p_actor_id => %9$L)'),
  ('order_not_found', 'ann', 'send a receipt for another''s order', 'select * from public.ledger_submit_receipt(%2$L, 1, ''X'')'),
  ('42501', 'ann', 'send a receipt in another''s name', 'select * from public.ledger_submit_receipt(null, 1, ''X'', p_user_id => %1$L)'),
  ('receipt_not_found', 'bob', 'send another''s receipt again', 'select * from public.ledger_submit_receipt(p_receipt_id => tests.receipt_id(''Q-2''))'),
  ('invalid_argument', 'ann', 'show another''s file', 'select * from public.ledger_submit_receipt(null, 1, null, %1$L || ''/a.pdf'')'),
  ('receipt_not_found', 'bob', 'withdraw another''s receipt', 'select * from public.ledger_withdraw_receipt(tests.receipt_id(''Q-1''))'),
  ('42501', 'bob', 'withdraw another''s receipt in her name', 'select * from public.ledger_withdraw_receipt(tests.receipt_id(''Q-1''), p_user_id => %9$L)'),
  ('42501', 'ann', 'approve her own receipt', 'select * from public.ledger_review_receipt(tests.receipt_id(''Q-1''), ''approve'')'),
  ('42501', 'finance', 'review a receipt in another''s name', 'select * from public.ledger_review_receipt(tests.receipt_id(''Q-1''), ''approve'', p_actor_id => %9$L)'),
  ('order_not_found', 'ann', 'track another''s order', 'select * from public.order_tracking(%2$L)'),
  ('42501', 'ann', 'ask a quote in another''s name', 'select * from public.order_quote(%7$L, p_user_id => %1$L)'),
  -- what is for staff, on oneself
  ('42501', 'ann', 'credit her own account', 'select * from public.ledger_credit_account(%9$L, 100)'),
  ('42501', 'ann', 'adjust her own account', 'select * from public.ledger_credit_account(%9$L, 100, ''adjustment'')'),
  ('42501', 'ann', 'release her own account', 'select * from public.ledger_freeze_account(%9$L, false)'),
  ('42501', 'bob', 'approve his own withdrawal', 'select * from public.ledger_review_withdrawal(%4$L, ''approve'')'),
  ('42501', 'bob', 'confirm his own order', 'select * from public.ledger_change_order_status(%1$L, %2$L, ''pending'', ''confirmed'', %3$L)'),
  ('42501', 'bob', 'set his own order confirmed', 'select * from public.ledger_set_order_status(%2$L, ''confirmed'')'),
  ('order_not_found', 'ann', 'set another''s order confirmed', 'select * from public.ledger_set_order_status(%2$L, ''confirmed'')'),
  ('42501', 'bob', 'cancel his own order as staff do', 'select * from public.ledger_change_order_status(%1$L, %2$L, ''pending'', ''cancelled'', %3$L)'),
  ('42501', 'bob', 'record a payment for his order', 'select * from public.ledger_record_payment(%2$L, %3$L)'),
  ('42501', 'bob', 'record a payment on his account', 'select * from public.ledger_record_payment(p_amount => %3$L, p_user_id => auth.uid())'),
  ('42501', 'bob', 'give himself more time to pay', 'select * from public.ledger_extend_grace(%2$L, now() + interval ''1 day'')'),
  ('42501', 'bob', 'give himself credit', 'select * from public.ledger_set_credit_terms(%1$L, ''USD'', 100000)'),
  ('42501', 'finance', 'give time in another''s name', 'select * from public.ledger_extend_grace(%2$L, now() + interval ''1 day'', p_actor_id => %9$L)'),
  ('42501', 'finance', 'give credit in another''s name', 'select * from public.ledger_set_credit_terms(%1$L, ''USD'', 100000, p_actor_id => %9$L)'),
  ('42501', 'bob', 'void a payment', 'select * from public.ledger_void_payment(%2$L)'),
  ('42501', 'bob', 'say that a card payment is for his order', 'select * from public.ledger_match_card_payment(%1$L, %2$L)'),
  ('42501', 'finance', 'match a card payment in another''s name', 'select * from public.ledger_match_card_payment(%1$L, %2$L, p_actor_id => %9$L)'),
  ('42501', 'bob', 'release a payment', 'select * from public.ledger_release_payment(%2$L)'),
  ('42501', 'bob', 'allocate a payment', 'select * from public.ledger_allocate_payment(%2$L, ''[]'')'),
  ('42501', 'bob', 'allocate a payment by a strategy', 'select * from public.ledger_auto_allocate_payment(%2$L)'),
  ('42501', 'bob', 'reverse an allocation', 'select * from public.ledger_reverse_allocation(%2$L)'),
  ('42501', 'bob', 'recalculate invoices', 'select * from public.invoice_recalculate()'),
  ('42501', 'finance', 'allocate in another''s name', 'select * from public.ledger_auto_allocate_payment(%2$L, p_actor_id => %9$L)'),
  ('customer_not_found', 'ann', 'ask another''s debt', 'select * from public.account_debt(%1$L)'),
  ('customer_not_found', 'ann', 'compare another''s debt', 'select * from public.account_debt_compare(%1$L)'),
  ('customer_not_found', 'ann', 'read another''s statement', 'select * from public.account_statement(%1$L)'),
  ('42501', 'bob', 'refund his own order', 'select * from public.ledger_refund_order(%2$L, p_amount => 1)'),
  ('42501', 'bob', 'settle a refund', 'select * from public.ledger_settle_refund(%2$L, ''failed'')'),
  ('42501', 'bob', 'receive stock', 'select * from public.ledger_adjust_stock(%6$L, 10)'),
  ('42501', 'bob', 'spread stock', 'select * from public.ledger_spread_stock(%6$L, 4)'),
  ('42501', 'ann', 'reserve in another''s name', 'select * from public.order_reserve(%7$L, p_user_id => %1$L)'),
  ('42501', 'warehouse', 'spread stock in another''s name', 'select * from public.ledger_spread_stock(%6$L, 4, p_actor_id => %9$L)'),
  ('42501', 'ann', 'fix orders of an older system', 'select * from public.integrity_emergency_order_fix()'),
  ('42501', 'finance', 'fix orders of an older system', 'select * from public.integrity_emergency_order_fix()'),
  ('order_not_found', 'ann', 'pay another''s order', 'select * from public.ledger_pay_order_from_wallet(%2$L)'),
  ('42501', 'ann', 'pay another''s order from his wallet', 'select * from public.ledger_pay_order_from_wallet(%2$L, p_user_id => %1$L)'),
  ('42501', 'ann', 'check drift', 'select * from public.integrity_check_drift()'),
  ('42501', 'ann', 'plan repairs', 'select * from public.reconciliation_plan()'),
  ('42501', 'ann', 'apply repairs', 'select * from public.reconciliation_apply(true)'),
  ('42501', 'ann', 'undo a repair', 'select * from public.reconciliation_undo(gen_random_uuid())'),
  ('42501', 'finance', 'apply repairs', 'select * from public.reconciliation_apply(false)'),
  ('42501', 'finance', 'plan in the name of an admin, and apply', 'select * from public.reconciliation_apply(p_actor_id => %9$L)'),
  ('42501', 'ann', 'acknowledge an alert', 'select * from public.ledger_acknowledge_alert(gen_random_uuid())'),
  ('42501', 'finance', 'acknowledge an alert in another''s name', 'select * from public.ledger_acknowledge_alert(gen_random_uuid(), p_actor_id => %9$L)'),
  ('42501', 'finance', 'set a flag', 'select * from public.ledger_set_flag(''outbox_enabled'', ''off'')'),
  ('42501', 'ann', 'run the checks', 'select * from public.integrity_run()'),
  ('42501', 'ann', 'check the books', 'select * from public.integrity_check_books()'),
  ('42501', 'ann', 'read a checkpoint', 'select * from public.integrity_checkpoint()'),
  ('42501', 'ann', 'verify the seals', 'select * from public.integrity_verify_seals()'),
  ('42501', 'ann', 'replay the events', 'select * from public.integrity_replay(p_account_id => ledger.account_id(tests.get_supabase_uid(''ann''), ''USD''))'),
  ('42501', 'ann', 'report on integrity', 'select * from public.report_integrity()'),
  ('42501', 'ann', 'report on orders', 'select * from public.report_orders()'),
  ('42501', 'ann', 'read the trial balance', 'select * from public.report_trial_balance()'),
  -- staff who name somebody else as the one who acts
  ('42501', 'finance', 'credit an account in another''s name', 'select * from public.ledger_credit_account(%9$L, 100, p_actor_id => %9$L)'),
  ('42501', 'finance', 'review a withdrawal in another''s name', 'select * from public.ledger_review_withdrawal(%4$L, ''approve'', p_actor_id => %9$L)'),
  ('42501', 'finance', 'freeze an account in another''s name', 'select * from public.ledger_freeze_account(%9$L, true, ''why'', p_actor_id => %9$L)'),
  ('42501', 'admin', 'change an order in another''s name', 'select * from public.ledger_change_order_status(%1$L, %2$L, ''pending'', ''confirmed'', %3$L, p_actor_id => %9$L)'),
  ('42501', 'finance', 'record a payment in another''s name', 'select * from public.ledger_record_payment(%2$L, 1, p_actor_id => %9$L)'),
  ('42501', 'finance', 'refund an order in another''s name', 'select * from public.ledger_refund_order(%2$L, p_amount => 1, p_actor_id => %9$L)'),
  ('42501', 'finance', 'settle a refund in another''s name', 'select * from public.ledger_settle_refund(%2$L, ''paid'', p_actor_id => %9$L)'),
  ('42501', 'finance', 'edit an order in another''s name', 'select * from public.ledger_edit_order(%2$L, ''[]'', p_actor_id => %9$L)'),
  ('42501', 'warehouse', 'ship an order in another''s name', 'select * from public.ledger_ship_order(%2$L, p_actor_id => %9$L)'),
  ('42501', 'logistics', 'confirm a delivery in another''s name', 'select * from public.ledger_confirm_delivery(%2$L, p_actor_id => %9$L)'),
  ('42501', 'warehouse', 'review a return in another''s name', 'select * from public.ledger_review_return(%2$L, ''approve'', p_actor_id => %9$L)'),
  ('42501', 'warehouse', 'adjust stock in another''s name', 'select * from public.ledger_adjust_stock(%6$L, 10, p_actor_id => %9$L)')
) v (expected, who, sentence, call);

select plan((select count(*)::int + 5 from asked));
select is(tests.outcome_as(who, call), expected, format('%s cannot %s: %s', who, sentence, expected)) from asked;
select is(tests.changes((select state from before), tests.state()), null, 'none of all this changed anything');

-- the mistake says what would be right
select matches(tests.error_as('ann', format('select * from public.ledger_place_order(%L, p_user_id => %L)', items, bob)),
  'orders\.place.*Roles that have it: admin', 'a refused permission is named, with the roles that have it') from ids;
select matches(tests.error_as('finance', format('select * from public.ledger_credit_account(%L, 1, p_actor_id => %L)', ann, bob)),
  'p_actor_id names somebody else', 'a false p_actor_id is named') from ids;
-- naming oneself is no impersonation
select is(tests.try_as('ann', format('select * from public.ledger_place_order(%L, p_user_id => %L)', items, ann)), 'success',
  'a customer may name themselves') from ids;
select is(tests.try_as('finance', format('select * from public.ledger_credit_account(%L, 1, p_actor_id => %L)', bob, tests.get_supabase_uid('finance'))), 'success',
  'staff may name themselves') from ids;
select * from finish();
rollback;
