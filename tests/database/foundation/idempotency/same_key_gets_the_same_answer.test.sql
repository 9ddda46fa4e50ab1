-- DESIGN rule 3: same caller, procedure and key: same answer, nothing done twice; other arguments: idempotency_conflict.
begin;
select tests.open_shop();
select tests.open_repairs();
select tests.open_till();
select tests.open_trust();
select tests.open_refunds();
select tests.open_returns();
select tests.open_desk();
select tests.open_review();
select tests.open_office();
select tests.open_cards();
select tests.receive('Z-1', 'olga', 500);
select ledger.raise_alert('job_failed', 'seal events', 1);
select tests.open_old_orders();
create temp table ids as
  select tests.get_supabase_uid('ann') as ann, tests.get_supabase_uid('bob') as bob, tests.get_supabase_uid('carol') as carol, tests.create_customer('dan') as dan, tests.get_variant_id('MUG') as mug, tests.items('MUG') as items,
         (select o.id from public.orders o where o.user_id = tests.get_supabase_uid('ann') and o.status = 'pending') as anns_order,
         (select o.id from public.orders o where o.user_id = tests.get_supabase_uid('bob')) as bobs_order,
         (select w.id from public.withdrawals w where w.user_id = tests.get_supabase_uid('ann') and w.status = 'requested') as anns_withdrawal,
         (select w.id from public.withdrawals w where w.user_id = tests.get_supabase_uid('bob')) as bobs_withdrawal,
         (select p.referral_code from public.profiles p where p.id = tests.get_supabase_uid('bob')) as bobs_code,
         (select d.id from public.order_drafts d where d.user_id = tests.get_supabase_uid('bob')) as bobs_draft,
         (select s.id from public.shipments s where s.delivered_at is null) as parcel, (select s.order_id from public.shipments s where s.delivered_at is null) as parcels_order,
         (select o.id from public.orders o where o.user_id = tests.get_supabase_uid('carol')) as carols_order, (select r.id from public.returns r where r.status = 'requested') as anns_return;
-- each procedure with its arguments, and with one of them changed
create temp table calls (n serial, procedure text, who text, call text, other text, key text);
insert into calls (procedure, who, call, other, key)
select v.procedure, v.who, format(v.arguments, ann, bob, dan, mug, items, anns_order, bobs_order, anns_withdrawal, bobs_withdrawal, bobs_code, carol, bobs_draft, parcel, parcels_order, carols_order, anns_return),
       format(v.other, ann, bob, dan, mug, items, anns_order, bobs_order, anns_withdrawal, bobs_withdrawal, bobs_code, carol, bobs_draft, parcel, parcels_order, carols_order, anns_return), 'key-' || v.procedure
from ids, (values
  ('ledger_credit_account', 'service_role', '%1$L, 100', '%1$L, 101'),
  ('ledger_adjust_stock', 'warehouse', '%4$L, 5', '%4$L, 6'),
  ('ledger_spread_stock', 'warehouse', '%4$L, 2', '%4$L, 3'),
  ('order_reserve', 'ann', '%5$L', '%5$L, 5'),
  ('order_release_reservation', 'ann', '(select r.id from public.stock_reservations r)', 'gen_random_uuid()'),
  ('ledger_place_order', 'ann', '%5$L', '%5$L, p_notes => ''gift'''),
  ('ledger_save_address', 'ann', '''A'', ''1'', ''B'', ''IQ''', '''A'', ''2'', ''B'', ''IQ'''),
  ('ledger_request_withdrawal', 'ann', '10, ''{"iban": "A"}''', '10, ''{"iban": "B"}'''),
  ('ledger_cancel_withdrawal', 'ann', '%8$L', '%9$L'),
  ('ledger_review_withdrawal', 'finance', '%9$L, ''approve''', '%9$L, ''reject'''),
  ('order_draft_save', 'ann', '%5$L', '%5$L, p_notes => ''gift'''),
  ('order_draft_place', 'bob', '%12$L', '%12$L, ''wallet_partial'''),
  ('ledger_edit_order', 'finance', '%6$L, ''[{"line_number": 2, "quantity": 2}]''', '%6$L, ''[{"line_number": 2, "quantity": 1}]'''),
  ('ledger_record_payment', 'finance', '%7$L, 100', '%7$L, 101'),
  ('ledger_void_payment', 'finance', '(select id from public.payments where reference = ''T-1'')', '(select id from public.payments where reference = ''T-1''), ''why'''),
  ('ledger_extend_grace', 'finance', 'tests.order_id(''out of time''), now() + interval ''1 day''', 'tests.order_id(''out of time''), now() + interval ''2 days'''),
  ('ledger_set_credit_terms', 'finance', '%1$L, ''USD'', 1000', '%1$L, ''USD'', 2000'),
  ('reconciliation_apply', 'admin', 'false', 'false, p_max_repairs => 1'),
  ('reconciliation_undo', 'admin', '(select a.id from public.reconciliation_actions a)', 'gen_random_uuid()'),
  ('ledger_issue_invoice', 'finance', 'p_user_id => %1$L, p_lines => tests.invoice_lines(''tea x 1 at 100'')', 'p_user_id => %1$L, p_lines => tests.invoice_lines(''tea x 1 at 200'')'),
  ('ledger_change_invoice', 'finance', 'tests.invoice_id(''spare''), p_notes => ''a''', 'tests.invoice_id(''spare''), p_notes => ''b'''),
  ('ledger_void_invoice', 'finance', 'tests.invoice_id(''spare'')', 'tests.invoice_id(''rent'')'),
  ('ledger_credit_invoice', 'finance', 'tests.invoice_id(''rent''), p_amount => 1', 'tests.invoice_id(''rent''), p_amount => 2'),
  ('ledger_allocate_payment', 'finance', 'tests.payment_id(''Z-1''), tests.shares(''advice 10'')', 'tests.payment_id(''Z-1''), tests.shares(''advice 11'')'),
  ('ledger_auto_allocate_payment', 'finance', 'tests.payment_id(''Z-1'')', 'tests.payment_id(''Z-1''), ''aging'''),
  ('ledger_reverse_allocation', 'finance', '(select min(l.id::text)::uuid from public.payment_allocations l where l.payment_id = tests.payment_id(''O-2''))', '(select min(l.id::text)::uuid from public.payment_allocations l where l.payment_id = tests.payment_id(''O-1''))'),
  ('import_begin', 'admin', '''payments'', ''x''', '''payments'', ''y'''),
  ('ledger_match_card_payment', 'finance', '(select c.id from public.card_payments c where c.provider_payment_id = ''pi_nowhere''), p_notes => ''dealt with''', '(select c.id from public.card_payments c where c.provider_payment_id = ''pi_nowhere''), p_notes => ''not yet'''),
  ('ledger_release_payment', 'finance', '(select id from public.payments where reference = ''T-2''), 1', '(select id from public.payments where reference = ''T-2''), 2'),
  ('ledger_submit_receipt', 'ann', 'p_amount => 10, p_reference => ''Q-5''', 'p_amount => 11, p_reference => ''Q-5'''),
  ('ledger_review_receipt', 'finance', 'tests.receipt_id(''Q-4''), ''approve''', 'tests.receipt_id(''Q-4''), ''approve'', 1'),
  ('ledger_withdraw_receipt', 'ann', 'tests.receipt_id(''Q-1'')', 'tests.receipt_id(''Q-2'')'),
  ('ledger_pay_order_from_wallet', 'finance', '(select o.id from public.orders o where o.order_number = ''E-WALLET''), 1, p_user_id => tests.get_supabase_uid(''eli'')', '(select o.id from public.orders o where o.order_number = ''E-WALLET''), 2, p_user_id => tests.get_supabase_uid(''eli'')'),
  ('integrity_emergency_order_fix', 'admin', 'p_order_numbers => ''{E-WALLET}'', p_dry_run => false', 'p_order_numbers => ''{E-STATUS}'', p_dry_run => false'),
  ('ledger_refund_order', 'finance', '(select o.id from public.orders o where o.user_id = tests.get_supabase_uid(''rita'') and o.status = ''delivered''), p_amount => 1', '%1$L, p_amount => 2'),
  ('ledger_settle_refund', 'finance', '(select f.id from public.refunds f where f.payout_amount = 428), ''paid''', '%1$L, ''failed'''),
  ('ledger_cancel_order', 'ann', '%6$L', '%6$L, ''why'''),
  ('ledger_change_order_status', 'admin', '%2$L, %7$L, ''pending'', ''confirmed'', 1250', '%2$L, %7$L, ''confirmed'', ''processing'', 1250'),
  ('ledger_bulk_change_status', 'admin', 'array[%7$L]::uuid[], ''processing''', 'array[%7$L]::uuid[], ''shipped'''),
  ('ledger_set_order_status', 'admin', '%7$L, ''shipped''', '%7$L, ''delivered'''),
  ('ledger_ship_order', 'warehouse', '%14$L, ''[{"line_number": 1, "quantity": 1}]''', '%14$L'),
  ('ledger_confirm_delivery', 'logistics', '%13$L', '%13$L, now()'),
  ('ledger_request_return', 'service_role', '%15$L, ''[{"line_number": 1, "quantity": 1}]'', p_user_id => %11$L', '%15$L, ''[{"line_number": 1, "quantity": 2}]'', p_user_id => %11$L'),
  ('ledger_review_return', 'finance', '%16$L, ''approve''', '%16$L, ''close'''),
  ('ledger_acknowledge_alert', 'finance', '(select a.id from public.alerts a)', '(select a.id from public.alerts a), ''mine'''),
  ('ledger_set_flag', 'service_role', '''outbox_enabled'', ''off''', '''outbox_enabled'', ''on'''),
  ('ledger_freeze_account', 'finance', '%11$L, true, ''why''', '%11$L, false'),
  ('ledger_register_referral', 'service_role', '%10$L, p_user_id => %3$L', '%10$L, p_user_id => %1$L'),
  ('profile_erase', 'service_role', '%3$L', '%3$L, ''legal_order''')
) v (procedure, who, arguments, other);

/* The whole answer as JSON. */
create function pg_temp.answer(p_who text, p_procedure text, p_arguments text, p_key text) returns jsonb language plpgsql as $$
declare
  v_answer jsonb;
begin
  perform tests.become(p_who);
  execute format('select to_jsonb(a) from public.%I(%s, p_idempotency_key => %L) a', p_procedure, p_arguments, p_key) into strict v_answer;
  perform tests.become('postgres');
  return v_answer;
end $$;

select plan((select count(*)::int from calls) * 3 + 20);
create temp table first_answers as select c.n, pg_temp.answer(c.who, c.procedure, c.call, c.key) as answer from calls c order by c.n;
select is(answer ->> 'success', 'true', procedure || ' succeeds') from calls join first_answers using (n) order by n;
create temp table before as select tests.state() as state;
select is(pg_temp.answer(who, procedure, call, key), answer, procedure || ' answers a replay as it did the first time') from calls join first_answers using (n) order by n;
select is(tests.changes((select state from before), tests.state()), null, 'no replay did anything');
select is(pg_temp.answer(who, procedure, other, key) ->> 'error_code', 'idempotency_conflict', procedure || ' refuses the key with other arguments') from calls order by n;
select is(tests.changes((select state from before), tests.state()), null, 'no conflict did anything');
select set_eq($$ select p.proname::text from pg_proc p where p.pronamespace = 'public'::regnamespace and 'p_idempotency_key' = any (p.proargnames) $$,
  'select procedure from calls', 'every procedure that takes a key was tried');
select matches(pg_temp.answer('ann', 'ledger_place_order', (select format('%L, p_notes => ''other''', items) from ids), 'key-ledger_place_order') ->> 'error_message',
  'key-ledger_place_order.*ledger_place_order.*new key', 'the message names key, procedure and remedy');

-- JSON that means the same is the same request
select is(pg_temp.answer('ann', 'ledger_place_order', format('%L', (select jsonb_build_array(jsonb_build_object('quantity', 1, 'variant_id', mug)) from ids)), 'key-ledger_place_order') ->> 'success', 'true',
  'the order of names within JSON makes no other request');
-- the same key is another one for another caller and for another procedure
select is(pg_temp.answer('bob', 'ledger_request_withdrawal', '7, ''{"iban": "B"}''', 'key-ledger_request_withdrawal') ->> 'success', 'true', 'another caller may use the same key');
select is((select count(*)::int from public.withdrawals where user_id = tests.get_supabase_uid('bob')), 2, 'and their call has its effect');
select is(pg_temp.answer('ann', 'ledger_request_withdrawal', '8, ''{"iban": "A"}''', 'key-ledger_place_order') ->> 'success', 'true', 'the key may be used for another procedure');
select is(pg_temp.answer('admin', 'ledger_request_withdrawal', (select format('9, ''{"iban": "A"}'', p_user_id => %L', ann) from ids), 'key-ledger_request_withdrawal') ->> 'success', 'true',
  'staff who act for a customer have keys of their own');

-- a refusal is not stored: once its reason is gone the same call with the same key succeeds
select is(pg_temp.answer('ann', 'ledger_request_withdrawal', '1000000, ''{"iban": "A"}''', 'later') ->> 'error_code', 'insufficient_funds', 'too large a withdrawal is refused');
select is_empty($$ select from ledger.idempotency_keys where key = 'later' $$, 'the refusal is not stored');
select is(pg_temp.answer('service_role', 'ledger_credit_account', (select format('%L, 1000000', ann) from ids), 'more') ->> 'success', 'true', 'after a credit');
select is(pg_temp.answer('ann', 'ledger_request_withdrawal', '1000000, ''{"iban": "A"}''', 'later') ->> 'success', 'true', 'the same call with the same key succeeds');

-- without a key every call counts
select is((select count(*)::int from (select pg_temp.answer('ann', 'ledger_request_withdrawal', '1, ''{"iban": "A"}''', null) ->> 'withdrawal_id' as id from generate_series(1, 3)) s), 3,
  'without a key, three calls');
select is((select count(*)::int from public.withdrawals where amount = 1), 3, 'are three withdrawals');

-- the length of a key
select is(pg_temp.answer('ann', 'ledger_request_withdrawal', '2, ''{"iban": "A"}''', repeat('ß', 255)) ->> 'success', 'true', 'a key of 255 characters is taken');
select is(pg_temp.answer('ann', 'ledger_request_withdrawal', '2, ''{"iban": "A"}''', repeat('k', 256)) ->> 'error_code', 'invalid_idempotency_key', 'one of 256 is refused');
select is(pg_temp.answer('ann', 'ledger_request_withdrawal', '2, ''{"iban": "A"}''', '') ->> 'error_code', 'invalid_idempotency_key', 'an empty one is refused');
select is((select count(*)::int from public.withdrawals where amount = 2), 1, 'only the good one had an effect');
-- what was undone is put right
select tests.tamper('update public.stock_levels set on_hand = on_hand - 1 where variant_id = tests.get_variant_id(''MENDED'')');
select is((select count(*)::int from ledger.book_differences()), 0, 'the books are in order');
select * from finish();
rollback;
