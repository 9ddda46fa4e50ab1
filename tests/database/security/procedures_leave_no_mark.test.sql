-- DESIGN rule 5: a procedure marks its write phase, and the mark is gone when it ends, also when it
-- refused or raised; else a hand edit later in the same transaction would pass for the procedure's.
begin;
select tests.open_shop();
create temp table ids as
  select tests.get_supabase_uid('ann') as ann, tests.get_supabase_uid('bob') as bob, tests.items('MUG') as items, tests.get_variant_id('MUG') as mug,
         (select o.id from public.orders o where o.user_id = tests.get_supabase_uid('bob')) as bobs_order,
         (select o.id from public.orders o where o.user_id = tests.get_supabase_uid('ann') and o.status = 'pending') as anns_order,
         (select w.id from public.withdrawals w where w.user_id = tests.get_supabase_uid('bob')) as bobs_withdrawal,
         (select w.id from public.withdrawals w where w.user_id = tests.get_supabase_uid('ann') and w.status = 'requested') as anns_withdrawal,
         (select a.id from public.addresses a) as anns_address,
         (select p.referral_code from public.profiles p where p.id = tests.get_supabase_uid('bob')) as bobs_code,
         tests.create_customer('dan') as dan;
select tests.expect_success(o) from public.ledger_place_order(tests.items('MUG', 2), p_notes => 'parcels', p_user_id => tests.get_supabase_uid('ann')) o;
create temp table calls (n serial, outcome text, who text, call text);
insert into calls (outcome, who, call)
select v.outcome, v.who, format(v.call, ann, bob, items, mug, bobs_order, anns_order, bobs_withdrawal, anns_address, bobs_code, dan, anns_withdrawal)
from ids, (values
  ('success', 'service_role', 'select * from public.ledger_credit_account(%1$L, 100)'),
  ('invalid_amount', 'service_role', 'select * from public.ledger_credit_account(%1$L, 0)'),
  ('insufficient_funds', 'service_role', 'select * from public.ledger_credit_account(%1$L, -999999999, ''adjustment'')'),
  ('success', 'service_role', 'select * from public.ledger_adjust_stock(%4$L, 5)'),
  ('stock_below_zero', 'service_role', 'select * from public.ledger_adjust_stock(%4$L, -99999, ''damaged'')'),
  ('success', 'service_role', 'select * from public.ledger_spread_stock(%4$L, 3)'),
  ('invalid_argument', 'service_role', 'select * from public.ledger_spread_stock(%4$L, 0)'),
  ('success', 'ann', 'select * from public.order_reserve(%3$L)'),
  ('reservation_too_large', 'ann', 'select * from public.order_reserve(jsonb_set(%3$L, ''{0,quantity}'', ''9999''))'),
  ('reservation_not_found', 'bob', 'select * from public.order_release_reservation((select r.id from public.stock_reservations r))'),
  ('success', 'ann', 'select * from public.order_release_reservation((select r.id from public.stock_reservations r))'),
  ('reservation_conflict', 'ann', 'select * from public.order_release_reservation((select r.id from public.stock_reservations r))'),
  ('done', 'postgres', 'select ledger.expire_reservations()'),
  ('success', 'service_role', 'select * from public.ledger_spread_stock(%4$L, 1)'),
  ('success', 'ann', 'select * from public.ledger_place_order(%3$L)'),
  ('insufficient_stock', 'ann', 'select * from public.ledger_place_order(jsonb_set(%3$L, ''{0,quantity}'', ''9999''))'),
  ('42501', 'anon', 'select * from public.ledger_place_order(%3$L)'),
  ('success', 'finance', 'select * from public.ledger_edit_order(%5$L, ''[{"line_number": 1, "quantity": 2}]'')'),
  ('success', 'finance', 'select * from public.ledger_edit_order(%5$L, ''[{"line_number": 1, "quantity": 1}]'')'),
  ('success', 'finance', 'select * from public.ledger_edit_order(%5$L, ''[{"line_number": 1, "quantity": 2}]'', true)'),
  ('insufficient_funds', 'finance', 'select * from public.ledger_edit_order(%5$L, ''[{"line_number": 1, "quantity": 45}]'')'),
  ('success', 'finance', 'select * from public.ledger_record_payment(%5$L, 100, ''card'', ''C-1'')'),
  ('payment_reference_used', 'finance', 'select * from public.ledger_record_payment(%5$L, 100, ''card'', ''C-1'')'),
  ('success', 'finance', 'select * from public.ledger_void_payment((select id from public.payments where reference = ''C-1''))'),
  ('payment_conflict', 'finance', 'select * from public.ledger_void_payment((select id from public.payments where reference = ''C-1''))'),
  ('success', 'admin', 'select * from public.ledger_change_order_status(%2$L, %5$L, ''pending'', ''processing'', 1250)'),
  ('status_conflict', 'admin', 'select * from public.ledger_change_order_status(%2$L, %5$L, ''pending'', ''processing'', 1250)'),
  ('42501', 'logistics', 'select * from public.ledger_change_order_status(%2$L, %5$L, ''processing'', ''cancelled'', 1250)'),
  ('success', 'admin', 'select * from public.ledger_change_order_status(%2$L, %5$L, ''processing'', ''delivered'', 1250)'),
  ('invalid_transition', 'admin', 'select * from public.ledger_set_order_status(%5$L, ''processing'')'),
  ('success', 'admin', 'select * from public.ledger_change_order_status(%2$L, %5$L, ''delivered'', ''refunded'', 1250)'),
  ('success', 'ann', 'select * from public.ledger_cancel_order(%6$L)'),
  ('invalid_transition', 'ann', 'select * from public.ledger_cancel_order(%6$L)'),
  ('success', 'ann', 'select * from public.ledger_request_withdrawal(10, ''{"iban": "A"}'')'),
  ('insufficient_funds', 'ann', 'select * from public.ledger_request_withdrawal(99999999, ''{"iban": "A"}'')'),
  ('success', 'finance', 'select * from public.ledger_review_withdrawal(%7$L, ''approve'')'),
  ('withdrawal_conflict', 'bob', 'select * from public.ledger_cancel_withdrawal(%7$L)'),
  ('success', 'finance', 'select * from public.ledger_review_withdrawal(%7$L, ''reject'')'),
  ('success', 'ann', 'select * from public.ledger_cancel_withdrawal(%11$L)'),
  ('success', 'finance', 'select * from public.ledger_freeze_account(%2$L, true, ''why'')'),
  ('account_already_frozen', 'finance', 'select * from public.ledger_freeze_account(%2$L, true, ''why'')'),
  ('success', 'bob', 'select * from public.ledger_save_address(''B'', ''1'', ''C'', ''IQ'')'),
  ('invalid_argument', 'bob', 'select * from public.ledger_save_address(''B'', ''1'', ''C'', ''Iraq'')'),
  ('success', 'ann', 'select * from public.ledger_delete_address(%8$L)'),
  ('address_not_found', 'ann', 'select * from public.ledger_delete_address(%8$L)'),
  ('success', 'service_role', 'select * from public.ledger_register_referral(%9$L, p_user_id => %10$L)'),
  ('referral_not_allowed', 'service_role', 'select * from public.ledger_register_referral(%9$L, p_user_id => %10$L)'),
  ('success', 'admin', 'select * from public.ledger_set_order_status((select o.id from public.orders o where o.notes = ''parcels''), ''processing'')'),
  ('success', 'warehouse', 'select * from public.ledger_ship_order((select o.id from public.orders o where o.notes = ''parcels''), ''[{"line_number": 1, "quantity": 1}]'')'),
  ('units_not_shippable', 'warehouse', 'select * from public.ledger_ship_order((select o.id from public.orders o where o.notes = ''parcels''), ''[{"line_number": 1, "quantity": 2}]'')'),
  ('success', 'logistics', 'select * from public.ledger_confirm_delivery((select s.id from public.shipments s where s.delivered_at is null))'),
  ('success', 'warehouse', 'select * from public.ledger_ship_order((select o.id from public.orders o where o.notes = ''parcels''))'),
  ('success', 'logistics', 'select * from public.ledger_confirm_delivery((select s.id from public.shipments s where s.delivered_at is null))'),
  ('shipment_conflict', 'logistics', 'select * from public.ledger_confirm_delivery((select min(s.id::text)::uuid from public.shipments s join public.orders o on o.id = s.order_id where o.notes = ''parcels''))'),
  ('success', 'service_role', 'select * from public.ledger_request_return((select o.id from public.orders o where o.notes = ''parcels''), ''[{"line_number": 1, "quantity": 2}]'', p_user_id => %1$L)'),
  ('units_not_returnable', 'service_role', 'select * from public.ledger_request_return((select o.id from public.orders o where o.notes = ''parcels''), ''[{"line_number": 1, "quantity": 1}]'', p_user_id => %1$L)'),
  ('success', 'finance', 'select * from public.ledger_review_return((select r.id from public.returns r), ''approve'')'),
  ('return_conflict', 'finance', 'select * from public.ledger_review_return((select r.id from public.returns r), ''approve'')'),
  ('success', 'finance', 'select * from public.ledger_review_return((select r.id from public.returns r), ''receive'', ''[{"line_number": 1, "received": 1}]'')'),
  ('refund_exceeds_paid', 'finance', 'select * from public.ledger_refund_order((select o.id from public.orders o where o.notes = ''parcels''), p_amount => 999999)'),
  ('success', 'finance', 'select * from public.ledger_refund_order((select o.id from public.orders o where o.notes = ''parcels''), ''[{"line_number": 1, "quantity": 1}]'')'),
  ('success', 'ann', 'select * from public.ledger_place_order(%3$L, ''bank_transfer'', p_notes => ''paid back'')'),
  ('success', 'finance', 'select p.* from public.orders o, public.ledger_record_payment(o.id, o.amount_due) p where o.notes = ''paid back'''),
  ('success', 'ann', 'select * from public.ledger_cancel_order((select o.id from public.orders o where o.notes = ''paid back''), p_to => ''original'')'),
  ('success', 'finance', 'select * from public.ledger_settle_refund((select f.id from public.refunds f where f.payout_status = ''pending''), ''paid'')'),
  ('refund_conflict', 'finance', 'select * from public.ledger_settle_refund((select f.id from public.refunds f where f.payout_status = ''paid''), ''paid'')'),
  ('success', 'finance', 'select * from public.ledger_review_return((select r.id from public.returns r), ''receive'')'),
  ('return_conflict', 'finance', 'select * from public.ledger_review_return((select r.id from public.returns r), ''receive'')'),
  ('success', 'ann', 'select * from public.order_quote(%3$L)'),
  ('success', 'ann', 'select * from public.order_draft_save(%3$L)'),
  ('empty_order', 'ann', 'select * from public.order_draft_save(''[]'')'),
  ('success', 'ann', 'select * from public.order_draft_place((select min(d.id::text)::uuid from public.order_drafts d), ''bank_transfer'')'),
  ('draft_not_found', 'ann', 'select * from public.order_draft_place(%4$L)'),
  ('success', 'ann', 'select * from public.order_draft_save(%3$L)'),
  ('price_changed', 'ann', 'select * from public.order_draft_place((select d.id from public.order_drafts d), ''bank_transfer'', p_expected_total => 1)'),
  ('success', 'ann', 'select * from public.order_draft_delete((select d.id from public.order_drafts d))'),
  ('success', 'admin', 'select * from public.ledger_bulk_change_status(array(select o.id from public.orders o where o.status = ''pending''), ''cancelled'')'),
  ('invalid_argument', 'admin', 'select * from public.ledger_bulk_change_status(''{}'', ''cancelled'')'),
  ('success', 'admin', 'select * from public.ledger_continue_bulk_change((select b.id from public.bulk_changes b))'),
  ('success', 'service_role', 'select * from public.profile_erase(%10$L)'),
  ('erase_not_possible', 'admin', 'select * from public.profile_erase(%1$L)'),
  ('done', 'postgres', 'select ledger.continue_bulk_changes()'),
  ('done', 'postgres', 'select ledger.purge_bulk_changes()'),
  ('done', 'postgres', 'select ledger.purge_order_drafts()'),
  ('done', 'postgres', 'select ledger.seal_events()'),
  ('done', 'postgres', 'select ledger.purge_audit_log()'),
  ('done', 'postgres', 'select ledger.purge_idempotency_keys()'),
  ('done', 'postgres', 'select ledger.create_month_partitions()'),
  ('done', 'postgres', 'insert into public.variants (product_id, sku, name, price_amount, currency) select product_id, ''NEW'', ''New'', 1, ''USD'' from public.variants limit 1'),
  ('done', 'postgres', 'insert into public.discount_codes (code, kind, percent_bp) values (''FIVE'', ''percent'', 500)'),
  ('done', 'postgres', 'update public.settings set value = ''4'' where key = ''low_stock_threshold'''),
  ('done', 'postgres', 'select tests.create_supabase_user(''eve'')')
) v (outcome, who, call);
-- the epoch function needs a seal to end an epoch after
select tests.tamper('update public.immutable_events set written_by_xid = 3');
select ledger.seal_events();
insert into calls (outcome, who, call) values ('done', 'postgres', 'select ledger.start_seal_epoch()');

/* The call's outcome, the mark after it, and what a hand edit then gets. */
create function pg_temp.after(p_who text, p_call text) returns text language plpgsql as $$
begin
  return format('%s, mark "%s", hand edit %s', tests.outcome_as(p_who, p_call), coalesce(current_setting('ledger.procedure', true), ''),
                tests.outcome_as('postgres', 'update public.accounts set total_earned = total_earned + 1'));
end $$;

select plan((select count(*)::int from calls) + 2);
select is(pg_temp.after(who, call), format('%s, mark "", hand edit 42501', outcome), format('no mark is left: %s by %s, %s', outcome, who, substring(call from '[a-z_]+\.[a-z_]+')))
from calls order by n;
select set_eq($$ select p.proname::text from pg_proc p where p.pronamespace = 'public'::regnamespace and p.provolatile = 'v' $$,
  $$ select distinct substring(call from 'public\.([a-z_]+)\(') from calls where outcome = 'success' and call ~ 'public\.(ledger_|order_re|order_draft_|profile_erase)' $$,
  'every procedure that writes was tried with success');
select is((select count(*)::int from ledger.book_differences()), 0, 'the books are in order');
select * from finish();
rollback;
