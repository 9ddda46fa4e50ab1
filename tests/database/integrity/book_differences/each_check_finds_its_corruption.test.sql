-- DESIGN sections 4 and 5: every sum that must be right is compared from its two sides. For each check a
-- corruption that it reports, alone where it can: so that each is needed and each works.
begin;
select tests.open_shop();
select tests.open_office();
select tests.open_imports();
select tests.open_desk();
select tests.open_till();
select tests.open_review();
select tests.open_market();
select tests.open_warehouse();
select tests.open_returns();
select tests.open_refunds();
select tests.open_cards();
create temp table ids as
  select ledger.account_id(tests.get_supabase_uid('ann'), 'USD') as ann, ledger.account_id(tests.get_supabase_uid('bob'), 'USD') as bob,
         (select o.id from public.orders o where o.user_id = tests.get_supabase_uid('ann') and o.status = 'pending') as pending,
         (select o.id from public.orders o where o.user_id = tests.get_supabase_uid('carol')) as delivered,
         tests.get_variant_id('MUG') as mug;
create temp table corruptions (check_code text, what text, statement text);
insert into corruptions
select v.check_code, v.what, format(v.statement, ann, bob, pending, delivered, mug)
from ids, (values
  ('account_equals_transactions, statement_adds_up, transaction_equals_its_event, transaction_equals_its_wallet_postings', 'a transaction with another amount', 'update public.transactions set amount = amount + 1 where account_id = %2$L and type = ''deposit'''),
  ('account_equals_last_transaction, statement_adds_up', 'a last transaction with another balance', 'update public.transactions t set balance_after = balance_after + 1 from public.accounts a where a.id = t.account_id and a.version = t.account_version and a.id = %2$L'),
  ('account_version_counts_transactions', 'an account with another version', 'update public.accounts set version = version + 1 where id = %2$L'),
  ('account_equals_wallet_postings, transaction_equals_its_wallet_postings, trial_balance_equals_balances', 'a posting with another amount', 'update public.postings set amount = amount + 1 where account_id = %2$L and debit_account = ''bank'' and credit_account = ''wallet'''),
  ('account_totals_replay_from_events', 'two totals that are wrong by the same amount', 'update public.accounts set total_earned = total_earned + 5, total_withdrawn = total_withdrawn + 5 where id = %2$L'),
  ('account_totals_replay_from_events', 'an event that says something else', 'update public.immutable_events set payload = jsonb_set(payload, ''{effect,total_earned}'', ''7'') where account_id = %2$L and event_type = ''account.credited'''),
  ('account_events_have_no_gap, account_totals_replay_from_events, message_has_its_event, transaction_equals_its_event', 'an event that is gone', 'delete from public.immutable_events where account_id = %2$L and event_type = ''account.credited'''),
  ('order_replays_from_events, order_wallet_equals_transactions, paid_from_outside_equals_payments, total_orders_equals_orders', 'an order said to have been paid by transfer', 'update public.orders set wallet_amount = 0 where id = %4$L'),
  ('escrow_equals_open_orders, income_equals_delivered_orders', 'a delivery that took another amount out of escrow', 'update public.postings set amount = amount + 1 where debit_account = ''order_escrow'' and credit_account = ''revenue'''),
  ('income_equals_delivered_orders', 'tax booked as revenue', 'update public.postings set credit_account = ''revenue'' where debit_account = ''order_escrow'' and credit_account = ''tax_payable'''),
  ('escrow_equals_open_orders, receivable_equals_delivered_orders, receivable_equals_orders_and_invoices', 'a delivered order said to be owed', 'update public.postings set debit_account = ''receivable'' where debit_account = ''order_escrow'' and credit_account = ''revenue'''),
  ('refunds_payable_equals_pending', 'a payout settled without its money', 'update public.refunds set payout_status = ''paid'', settled_at = now() where payout_status = ''pending'' and credited_amount = 428'),
  ('order_replays_from_events, payment_status_follows_the_money', 'a paid order said to be unpaid', 'update public.orders set payment_status = ''unpaid'' where id = %4$L'),
  ('escrow_equals_open_orders, income_equals_delivered_orders, income_equals_free_invoices, order_wallet_equals_transactions, refunds_payable_equals_pending, transaction_equals_its_event', 'a refund''s transaction of another order', 'update public.transactions set order_id = null where type = ''order_refunded'''),
  ('commission_equals_transactions, commission_follows_what_is_left', 'a commission that was not clawed back', 'update public.referral_commissions set clawed_back_amount = 0'),
  ('credited_equals_refunds, order_replays_from_events, paid_from_outside_equals_payments', 'an order said to be taken back', 'update public.orders set credited_amount = 1, paid_amount = paid_amount - 1 where id = %4$L'),
  ('order_wallet_equals_transactions, refunded_equals_refunds', 'a refund of other money', 'update public.refunds set wallet_amount = wallet_amount - 1, credit_amount = credit_amount + 1 where goods_amount = 400 and credited_amount = 428 and payout_amount = 0'),
  ('ended_order_is_credited_whole, escrow_equals_open_orders, order_status_equals_history', 'an order that ended before all was taken back', 'update public.orders set status = ''refunded'' where id = %4$L'),
  ('income_equals_delivered_orders, refund_equals_its_parts', 'a refund with other goods', 'update public.refunds set goods_amount = goods_amount + 1 where goods_amount = 400'),
  ('commission_follows_what_is_left, income_equals_delivered_orders, refund_equals_its_parts, refunded_shipping_is_part_of_it', 'an allowance below zero', 'update public.refunds set allowance_amount = -1 where allowance_amount > 0'),
  ('refunded_units_cost_their_part', 'a line that was worth another base', 'update public.refund_lines set base_amount = base_amount - 1'),
  ('refunded_units_cost_their_part, refunded_units_were_shipped', 'more units refunded than went out', 'update public.refund_lines set quantity = 9'),
  ('given_up_units_were_not_shipped, shipped_order_is_out', 'a unit that went out said to be given up', 'update public.refund_lines l set unshipped_quantity = 1 from public.refunds f where f.id = l.refund_id and f.goods_amount = 400 and f.credited_amount = 428 and f.payout_amount = 0'),
  ('restocked_refunds_equal_movements', 'a unit said to be in stock again', 'update public.refund_lines set restocked_quantity = restocked_quantity - 1 where restocked_quantity > 0'),
  ('refund_refers_to_what_is_there', 'a refund in another currency than its order', 'update public.refunds set currency = ''EUR'''),
  ('paid_withdrawals_equal_postings, trial_balance_equals_balances, withdrawals_payable_equals_pending', 'a paid withdrawal posted with another amount', 'update public.postings set amount = amount + 1 where debit_account = ''withdrawals_payable'' and credit_account = ''bank'''),
  ('pending_equals_open_withdrawals, withdrawal_equals_its_events', 'a requested withdrawal with another amount', 'update public.withdrawals set amount = amount + 1 where account_id = %2$L'),
  ('paid_withdrawals_equal_postings, pending_equals_open_withdrawals, withdrawal_equals_its_events', 'a withdrawal settled without its money', 'update public.withdrawals set status = ''paid'' where account_id = %2$L'),
  ('order_totals_equal_items', 'an item with another tax', 'update public.order_items set tax_amount = tax_amount + 1 where order_id = %3$L and line_number = 1'),
  ('order_totals_equal_items', 'an item with another discount', 'update public.order_items set discount_amount = discount_amount + 1 where order_id = %3$L and line_number = 1'),
  ('order_has_its_transaction, status_fits_its_transaction, transaction_equals_its_event', 'an order whose transaction is of another type', 'update public.transactions set type = ''order_status_changed'' where order_id = %3$L'),
  ('text_is_its_events', 'a text that was changed', 'update public.event_texts set texts = ''{"reason": "another"}'''),
  ('event_has_its_text', 'a text that is gone though nobody was erased', 'delete from public.event_texts'),
  ('order_status_equals_history', 'an order with another status', 'update public.orders set status = ''confirmed'' where id = %3$L'),
  ('order_replays_from_events', 'an event that says another payment status', 'update public.immutable_events set payload = jsonb_set(payload, ''{payment_status}'', ''"in_grace"'') where stream_id = %4$L and event_type = ''order.status_changed'''),
  ('movements_add_up, stock_equals_last_movement, stock_replays_from_events', 'a unit that was stolen with its movement', 'with m as (update public.stock_movements set quantity = quantity - 1, on_hand_after = on_hand_after - 1 where variant_id = %5$L and slot_version = 1 returning *) update public.stock_levels l set on_hand = l.on_hand - 1 from m where l.variant_id = m.variant_id and l.slot = m.slot'),
  ('account_events_have_no_gap', 'a second event of a version', 'insert into public.immutable_events (event_type, stream_type, stream_id, account_id, payload, correlation_id) values (''account.credited'', ''account'', %2$L, %2$L, ''{"effect": {}, "account_version": 1}'', gen_random_uuid())'),
  ('account_freeze_replays_from_events', 'an account that was frozen by hand', 'update public.accounts set frozen_reason = ''by hand'' where id = %2$L'),
  ('status_fits_its_transaction', 'a cancelled order that goes on, with its event', 'with o as (update public.orders set status = ''rejected'' where status = ''cancelled'' returning id) update public.immutable_events e set payload = payload || ''{"to_status": "rejected"}'' from o where e.stream_id = o.id and e.event_type = ''order.status_changed'''),
  ('transaction_equals_its_event', 'a transaction said to be somebody else''s work', 'update public.transactions set actor_id = gen_random_uuid() where account_id = %2$L and account_version = 1'),
  ('order_equals_its_placing', 'an order with another number', 'update public.orders set order_number = ''ELSE'' where id = %3$L'),
  ('withdrawal_equals_its_events', 'a withdrawal said to be approved', 'update public.withdrawals set status = ''approved'' where account_id = %2$L and status = ''requested'''),
  ('delivery_equals_its_event', 'a parcel said to have arrived at another time', 'update public.shipments set delivered_at = delivered_at + interval ''1 hour'' where order_id = %4$L'),
  ('stock_equals_last_movement, stock_equals_movements, stock_replays_from_events', 'more stock on hand', 'update public.stock_levels set on_hand = on_hand + 1 where variant_id = %5$L'),
  ('stock_equals_last_movement, stock_equals_movements', 'a movement that was not counted', 'update public.stock_levels set version = version + 1 where variant_id = %5$L'),
  ('sold_equals_order_movements', 'a movement that belongs to no order', 'update public.stock_movements set order_id = null where order_id = %3$L and variant_id = %5$L and reason = ''order_placed'''),
  ('order_equals_its_placing, order_refers_to_what_is_there', 'an order with an unknown payment method', 'update public.orders set payment_method = ''shells'' where id = %3$L'),
  ('line_refers_to_what_is_there, sold_equals_order_movements', 'a line of an unknown variant', 'update public.order_items set variant_id = gen_random_uuid() where order_id = %3$L and line_number = 1'),
  ('line_refers_to_what_is_there', 'a line of an unknown vendor', 'update public.order_items set vendor_id = gen_random_uuid() where order_id = %3$L and line_number = 1'),
  ('line_refers_to_what_is_there', 'a line in the books of somebody else', 'update public.order_items set account_id = %2$L where order_id = %3$L and line_number = 1'),
  ('transaction_equals_its_event, transaction_refers_to_what_is_there', 'a transaction of an unknown account', 'insert into public.transactions (account_id, account_version, type, amount, balance_after, actor_action, correlation_id) values (gen_random_uuid(), 1, ''bonus'', 0, 0, ''x'', gen_random_uuid())'),
  ('money_from_outside_is_in_the_bank, posting_refers_to_what_is_there, trial_balance_is_zero', 'a posting to an account that the chart has not', 'update public.postings set debit_account = ''sock'' where account_id = %2$L and debit_account = ''bank'''),
  ('posting_refers_to_what_is_there, trial_balance_equals_balances', 'a posting in another currency than its account', 'update public.postings set currency = ''EUR'' where account_id = %2$L and debit_account = ''bank'''),
  ('movement_refers_to_what_is_there', 'a movement of an unknown variant', 'insert into public.stock_movements (variant_id, slot_version, quantity, on_hand_after, reason) values (gen_random_uuid(), 1, 1, 1, ''counted'')'),
  ('variant_has_stock', 'a variant without a row of stock', 'insert into public.variants (product_id, sku, name, price_amount, currency) select product_id, ''LOST'', ''Lost'', 1, ''USD'' from public.variants where id = %5$L'),
  ('no_more_came_back_than_had_left, restocked_refunds_equal_movements', 'units that came back of an order that had fewer', 'update public.stock_movements set reason = ''order_cancelled'', order_id = %3$L where reason = ''received'' and variant_id = %5$L'),
  ('spread_moves_nothing', 'received units said to have been spread', 'update public.stock_movements set reason = ''slots_spread'' where reason = ''received'' and variant_id = %5$L'),
  ('unused_slot_holds_reserved_units_only', 'a variant in fewer slots than its stock', 'update public.variants set stock_slots = 1 where sku = ''HOT'''),
  ('held_equals_active_reservations, stock_replays_from_events', 'a unit held for nobody', 'update public.stock_levels set held = held + 1 where variant_id = %5$L'),
  ('held_equals_active_reservations', 'a reservation ended without its units', 'update public.stock_reservations set status = ''released'', ended_at = now()'),
  ('backorder_filled_by_movements', 'a unit filled from nowhere', 'update public.backorders set quantity = quantity + 1, filled_quantity = filled_quantity + 1'),
  ('backorder_dropped_by_refunds', 'a unit that nobody gave up', 'update public.backorders set dropped_quantity = dropped_quantity + 1 where open_quantity > 0'),
  ('backorder_waits_for_a_living_order', 'a backorder in the books of somebody else', 'update public.backorders set account_id = %2$L'),
  ('backorder_waits_for_nothing_that_is_there, stock_replays_from_events', 'a unit that came in while an order waits', 'with s as (update public.stock_levels set on_hand = on_hand + 1, version = version + 1 where variant_id = tests.get_variant_id(''SOFA'') returning *) insert into public.stock_movements (variant_id, slot, slot_version, quantity, on_hand_after, reason) select variant_id, slot, version, 1, on_hand, ''counted'' from s'),
  ('vendor_earnings_equal_lines', 'a share of a vendor who sold nothing', 'update public.vendor_earnings set vendor_id = (select v.id from public.vendors v where v.name = ''Potter'') where account_id is null'),
  ('transaction_equals_its_event, vendor_earnings_equal_transactions', 'a share credited as something else', 'update public.transactions set type = ''earning'' where type = ''vendor_earned'''),
  ('vendor_payable_equals_shares', 'a share that was paid from elsewhere', 'update public.postings set debit_account = ''adjustments'' where debit_account = ''vendor_payable'''),
  ('vendor_earning_refers_to_what_is_there', 'a share in another currency than its order', 'update public.vendor_earnings set currency = ''EUR'' where account_id is null'),
  ('paid_from_outside_equals_payments', 'a payment that belongs to another order', 'update public.payments set order_id = %3$L where reference = ''T-1'''),
  ('payment_equals_its_transactions', 'a payment that was voided without a transaction', 'update public.transactions set reference_id = null where type = ''payment_voided'''),
  ('trial_balance_equals_balances, unapplied_payments_equal_remainders', 'a payment on account booked elsewhere', 'update public.postings set credit_account = ''adjustments'' where credit_account = ''unapplied_payments'''),
  ('allocated_equals_allocations, trial_balance_equals_balances, unapplied_payments_equal_remainders', 'a payment said to be allocated', 'update public.payments set allocated_amount = 1 where reference = ''T-2'''),
  ('payment_refers_to_what_is_there', 'a payment in another currency than its order', 'update public.payments set currency = ''EUR'' where status = ''voided'''),
  ('allocated_equals_allocations, debt_is_invoices_less_allocations, invoice_remaining_is_amount_less_allocations, invoice_takes_at_most_its_amount, payment_gives_at_most_its_amount', 'an allocation of more than payment and invoice have', 'update public.payment_allocations set allocated_amount = 5000 where invoice_id = tests.invoice_id(''advice'')'),
  ('allocated_equals_allocations, debt_is_invoices_less_allocations, invoice_remaining_is_amount_less_allocations, invoice_status_follows_what_remains, payment_gives_at_most_its_amount', 'an allocation that pays its invoice', 'update public.payment_allocations l set allocated_amount = b.amount from public.invoice_balance_cache b where b.invoice_id = l.invoice_id and l.invoice_id = tests.invoice_id(''advice'')'),
  ('debt_equals_its_movements, debt_is_invoices_less_allocations, debt_replays_from_events', 'an account that owes more', 'update public.account_debt_cache set invoiced_amount = invoiced_amount + 1 where account_id = %1$L'),
  ('debt_replays_from_events', 'an event that says nothing of the debt', 'update public.immutable_events set payload = payload - ''debt_effect'' where stream_id = tests.invoice_id(''spare'')'),
  ('debt_equals_its_movements', 'a movement that ends at another debt', 'update public.debt_movements set debt_after = debt_after + 1 where account_id = %1$L'),
  ('debt_movement_is_of_its_transaction', 'a movement without its transaction', 'update public.debt_movements set transaction_id = gen_random_uuid() where account_id = %1$L'),
  ('one_allocation_is_live_per_payment_and_invoice', 'an allocation in two rows', 'with n as (insert into public.payment_allocations (account_id, payment_id, invoice_id, allocated_amount, method, transaction_id) select l.account_id, l.payment_id, l.invoice_id, 1, l.method, l.transaction_id from public.payment_allocations l where l.invoice_id = tests.invoice_id(''advice'')) update public.payment_allocations set allocated_amount = allocated_amount - 1 where invoice_id = tests.invoice_id(''advice'')'),
  ('reversal_is_of_all_of_its_row', 'a reversal of less than its row', 'with n as (insert into public.payment_allocations (account_id, payment_id, invoice_id, allocated_amount, method, reverses_allocation_id, transaction_id) select l.account_id, l.payment_id, l.invoice_id, -1, l.method, l.id, l.transaction_id from public.payment_allocations l where l.invoice_id = tests.invoice_id(''advice'')) update public.payment_allocations set allocated_amount = allocated_amount + 1 where invoice_id = tests.invoice_id(''advice'')'),
  ('allocation_refers_to_what_is_there', 'an allocation without its transaction', 'update public.payment_allocations set transaction_id = gen_random_uuid() where invoice_id = tests.invoice_id(''advice'')'),
  ('invoice_totals_equal_lines', 'a line of an invoice with another tax', 'update public.invoice_lines set tax_amount = tax_amount + 1 where description = ''book'''),
  ('debt_is_invoices_less_allocations, invoice_credited_by_its_notes, order_invoice_equals_order', 'an order''s invoice that claims more than is due', 'with i as (update public.invoices set credited_amount = credited_amount - 1 where id = tests.invoice_id(''office'') returning id, amount) update public.invoice_balance_cache b set amount = i.amount from i where b.invoice_id = i.id'),
  ('invoice_has_its_balance, invoice_remaining_is_amount_less_allocations', 'a credit note that claims something', 'insert into public.invoice_balance_cache (invoice_id, account_id, amount) select id, account_id, 0 from public.invoices where kind = ''credit_note'''),
  ('income_equals_free_invoices, receivable_equals_orders_and_invoices', 'an invoice booked with another amount', 'update public.postings set amount = amount + 1 where debit_account = ''receivable'' and credit_account = ''revenue'''),
  ('income_equals_free_invoices', 'tax of an invoice booked as revenue', 'update public.postings set credit_account = ''revenue'' where debit_account = ''receivable'' and credit_account = ''tax_payable'''),
  ('invoice_series_have_no_gaps', 'a number that no invoice has', 'update public.invoice_series set next_number = next_number + 1 where code = ''invoice'''),
  ('invoice_equals_its_event', 'an invoice that is called something else', 'update public.invoices set invoice_number = ''X-'' || number where number = 2 and series = ''invoice'''),
  ('invoice_equals_its_event', 'a credit note that is called something else', 'update public.invoices set invoice_number = ''X-'' || number where kind = ''credit_note'''),
  ('invoice_equals_its_event, invoice_series_have_no_gaps', 'an invoice with another number', 'update public.invoices set number = 77 where number = 2 and series = ''invoice'''),
  ('invoice_credited_by_its_notes', 'a credit note of another invoice', 'update public.invoices set credits_invoice_id = tests.invoice_id(''spare'') where kind = ''credit_note'' and order_id is null'),
  ('invoice_credited_by_its_notes', 'a credit said to be prepaid', 'update public.invoices set credited_amount = credited_amount - 1, prepaid_amount = prepaid_amount + 1 where id = tests.invoice_id(''office'')'),
  ('credit_note_equals_its_refund', 'a credit note without its refund', 'update public.invoices set refund_id = null where refund_id is not null'),
  ('invoice_refers_to_what_is_there', 'an invoice of somebody else''s account', 'update public.invoices set user_id = tests.get_supabase_uid(''bob'') where id = tests.invoice_id(''spare'')'),
  ('approved_receipt_is_its_payment', 'a receipt said to be approved in part', 'update public.payment_receipts set approved_amount = approved_amount - 1, status = ''partly_approved'' where status = ''approved'''),
  ('payment_of_a_receipt_has_it', 'an approved receipt under review again', 'update public.payment_receipts set approved_amount = null, payment_id = null, status = ''submitted'' where status = ''approved'''),
  ('receipt_refers_to_what_is_there', 'a receipt in the books of somebody else', 'update public.payment_receipts set account_id = %2$L where reference = ''Q-1'''),
  ('order_replays_from_events, payment_status_follows_the_money, receipt_uploaded_has_a_receipt', 'an order under review without a receipt', 'update public.orders set payment_status = ''receipt_uploaded'' where id = %4$L'),
  ('statement_adds_up', 'a balance in the middle of a statement', 'update public.transactions set balance_after = balance_after + 1 where account_id = %2$L and account_version = 1'),
  ('movements_add_up', 'a count in the middle of the movements', 'update public.stock_movements set on_hand_after = on_hand_after + 1 where variant_id = %5$L and slot_version = 1'),
  ('money_from_outside_is_in_the_bank', 'a deposit that did not come from outside', 'update public.postings set debit_account = ''adjustments'' where account_id = %2$L and debit_account = ''bank'' and credit_account = ''wallet'''),
  ('guards_are_on', 'a guard that was switched off', 'alter table public.postings disable trigger rows_never_change'),
  ('guards_are_on', 'a guard that replica mode passes', 'alter table public.transactions enable trigger rows_never_change'),
  ('guards_are_on', 'a guard that is gone', 'drop trigger values_come_from_procedures on public.stock_levels'),
  ('guards_are_on', 'a guard of a condition that never holds', 'create or replace trigger rows_of_the_schema_stay before delete or update of code on public.payment_methods for each row when (false) execute function ledger.refuse_schema_row(''payment_methods'', ''code'')'),
  ('guards_are_on, partitions_have_their_guards', 'a guard that lets everything pass', 'create or replace function ledger.refuse_change() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $body$ begin return new; end $body$'),
  ('partitions_have_their_guards', 'a partition whose guard was switched off', 'alter table ledger.immutable_events_default disable trigger rows_never_change'),
  ('partitions_have_their_guards', 'a partition whose guard is gone', 'drop trigger rows_come_from_procedures on ledger.immutable_events_default'),
  ('seal_equals_its_message', 'a message of a seal that is not there', 'insert into ledger.outbox (type, payload) values (''events.sealed'', ''{"seal_number": 900000, "hash": "00"}'')'),
  ('message_has_its_event', 'a message of another time than its event', 'update ledger.outbox set created_at = created_at + interval ''1 second'''),
  ('message_has_its_event', 'a message of another event', 'update ledger.outbox set type = ''order.shipped'' where type = ''order.placed'''),
  ('import_identity_points_to_what_is_there, imported_row_has_its_identity', 'an import that remembers what is not there', 'update public.import_identities set target_id = gen_random_uuid() where kind = ''payment'''),
  ('imported_row_has_its_identity', 'an import that forgot what it made', 'delete from public.import_identities'),
  ('import_counts_equal_rows', 'an import said to have applied less', 'update public.import_runs set applied_rows = applied_rows - 1 where source_name = ''old invoices'''),
  ('applied_row_equals_what_it_became', 'a row that became an invoice of another amount', 'update public.import_rows set amount = amount + 1 where external_id = ''I-1'''),
  ('rejected_row_has_its_reason', 'a rejected row without its reason', 'delete from public.import_rejects'),
  ('synthetic_allocation_is_of_imports', 'an allocation of people said to be a backfill''s', 'update public.payment_allocations set synthetic = true where invoice_id = tests.invoice_id(''advice'')'),
  ('in_grace_has_an_open_deadline', 'an order in grace without its deadline', 'delete from public.payment_deadlines'),
  ('in_grace_has_an_open_deadline, settled_deadline_has_nothing_due', 'a deadline that was settled by hand', 'update public.payment_deadlines set status = ''settled'', settled_at = now()'),
  ('deadline_waits_for_its_order, order_replays_from_events', 'an open deadline of an order that is not in grace', 'update public.orders set payment_status = ''partially_paid'' where payment_status = ''in_grace'''),
  ('deadline_refers_to_what_is_there', 'a deadline in the books of somebody else', 'update public.payment_deadlines set account_id = %2$L'),
  ('card_payment_equals_its_events', 'a captured card payment said to be voided', 'update public.card_payments set status = ''voided'' where order_id is not null'),
  ('captured_cards_are_booked, card_payment_equals_its_events', 'a card payment said to be larger', 'update public.card_payments set captured_amount = captured_amount + 1 where order_id is not null'),
  ('card_refunds_and_disputes_are_booked', 'a refund at the provider that is not booked', 'delete from public.card_bookings where kind = ''allowed'''),
  ('card_refunds_and_disputes_are_booked', 'a refund at the provider that is booked as a dispute', 'update public.card_bookings set is_refund = false where kind = ''allowed'''),
  ('card_booking_has_its_event', 'a booking of a message that never came', 'update public.card_bookings set event_id = ''evt_never'' where kind = ''captured'''),
  ('card_booking_has_its_event, card_payment_equals_its_events', 'a message that is gone', 'delete from public.card_events where kind = ''charged_back'''),
  ('card_bookings_equal_payments', 'a booking in the books of somebody else', 'update public.card_bookings set account_id = %2$L where kind = ''captured'''),
  ('shipped_at_most_what_was_ordered', 'a shipment of more than was ordered', 'update public.shipment_lines l set quantity = 9 from public.shipments s where s.id = l.shipment_id and s.delivered_at is null'),
  ('shipped_order_is_out', 'a delivered order of which less went out', 'update public.shipment_lines set quantity = quantity - 1 where order_id = %4$L'),
  ('delivered_order_has_arrived, delivery_equals_its_event', 'a parcel of a delivered order that did not arrive', 'update public.shipments set delivered_at = null where order_id = %4$L'),
  ('shipments_count_from_one', 'a shipment with another number', 'update public.shipments set shipment_number = 2 where delivered_at is null'),
  ('shipment_has_lines_of_its_order', 'a shipment in the books of somebody else', 'update public.shipments set account_id = %2$L where delivered_at is null'),
  ('shipment_has_lines_of_its_order', 'an empty shipment', 'delete from public.shipment_lines l using public.shipments s where s.id = l.shipment_id and s.delivered_at is null'),
  ('return_has_lines_of_its_order', 'a return of somebody else', 'update public.returns set user_id = tests.get_supabase_uid(''bob'') where status = ''requested'''),
  ('return_has_lines_of_its_order', 'an empty return', 'delete from public.return_lines l using public.returns r where r.id = l.return_id and r.status = ''requested'''),
  ('return_status_follows_its_lines', 'a return that is done before all has arrived', 'update public.returns set status = ''received'' where status = ''approved'''),
  ('return_status_follows_its_lines', 'a return that was rejected after something was approved', 'update public.returns set status = ''rejected'' where status = ''approved'''),
  ('return_status_follows_its_lines', 'a return that was approved without its lines', 'update public.returns set status = ''approved'' where status = ''requested'''),
  ('ended_order_has_no_open_return, ended_order_is_credited_whole, escrow_equals_open_orders, order_status_equals_history', 'an open return of an order that has ended', 'update public.orders o set status = ''cancelled'' from public.returns r where r.order_id = o.id and r.status = ''requested'''),
  ('received_at_most_what_was_shipped', 'more written off than went out', 'update public.return_lines set quantity = 9, approved_quantity = 9, written_off_quantity = 4 where order_id = %4$L'),
  ('refunded_returns_are_refunded_units', 'a returned unit said to have been refunded', 'update public.return_lines set refunded_quantity = 1 where order_id = %4$L'),
  ('restocked_returns_equal_movements', 'a returned unit written off after it was put in stock', 'update public.return_lines set restocked_quantity = 0, written_off_quantity = 1 where order_id = %4$L'),
  ('commission_equals_transactions', 'a commission that is gone', 'delete from public.referral_commissions'),
  ('commission_equals_transactions', 'a commission in the books of somebody else', 'update public.referral_commissions set account_id = %1$L'),
  ('commission_equals_transactions, commission_follows_its_rate, commission_follows_what_is_left', 'a commission ten times as high', 'update public.referral_commissions set commission_amount = commission_amount * 10'),
  ('discount_redemption_follows_order', 'a redemption of another amount', 'update public.discount_redemptions set amount = amount + 1'),
  ('discount_redemption_follows_order', 'an order that forgot its code', 'update public.orders set discount_code_id = null'),
  ('discount_redemption_follows_order', 'a redemption in the books of somebody else', 'update public.discount_redemptions set account_id = %2$L'),
  ('discount_usage_equals_redemptions', 'a code used once more', 'update public.discount_usage set redemptions = redemptions + 1'),
  ('discount_redemption_follows_order, discount_usage_equals_redemptions', 'a redemption released by hand', 'update public.discount_redemptions set released_at = now()')
) v (check_code, what, statement);

/* The checks that report something after a statement; the statement is undone. What other tests look at says the same. */
create function pg_temp.found_after(p_statement text) returns text language plpgsql as $$
declare
  v_found text;
  v_rows text[];
begin
  if p_statement ~ '^(alter|drop|create)' then
    execute p_statement;
  else
    perform tests.tamper(p_statement);
  end if;
  select string_agg(distinct d.check_code, ', '), array_agg(d::text order by d::text) into v_found, v_rows from ledger.book_differences() d;
  -- of some of them, for it plans its statements anew after each
  if hashtext(p_statement) % 6 = 0 and v_rows is distinct from (select array_agg(d::text order by d::text) from tests.book_differences() d) then
    v_found := concat_ws(', ', v_found, 'and tests.book_differences() differs');
  end if;
  raise exception using errcode = 'TRIED', message = coalesce(v_found, 'nothing');
exception when sqlstate 'TRIED' then
  return sqlerrm;
end $$;

select plan((select count(*)::int from corruptions) + 11);
select is_empty('select * from ledger.book_differences()', 'an untouched shop has no differences');
select is(pg_temp.found_after(statement), check_code, format('%s: %s is found', check_code, what)) from corruptions;
select set_eq('select code from public.integrity_checks where severity <> ''warning''',
  $$ select unnest(string_to_array(check_code, ', ')) from corruptions $$, 'every check was made to report');

-- what breaks more than one sum is reported by all that it breaks
select is(pg_temp.found_after(format(statement, ann, bob, pending, delivered)), expected, what) from ids, (values
  ('update public.accounts set total_earned = total_earned + 1000 where id = %2$L',
   'account_equals_last_transaction, account_equals_transactions, account_equals_wallet_postings, account_totals_replay_from_events, trial_balance_equals_balances', 'money from nowhere'),
  ('update public.accounts set total_orders = 0, total_earned = total_earned - total_orders where id = %2$L', 'account_totals_replay_from_events, total_orders_equals_orders', 'an order that was not paid for'),
  ('delete from public.transactions where account_id = %2$L and type = ''order_created''', 'account_equals_transactions, account_version_counts_transactions, escrow_equals_open_orders, order_has_its_transaction, order_wallet_equals_transactions, posting_refers_to_what_is_there, statement_adds_up, transaction_equals_its_event', 'a transaction that is gone'),
  ('delete from public.orders where id = %3$L', 'discount_redemption_follows_order, escrow_equals_open_orders, line_refers_to_what_is_there, order_replays_from_events, total_orders_equals_orders', 'an order that is gone')) v (statement, expected, what);

-- the row that differs is named with both of its values
create temp table named (check_code text, subject text, expected text, found text);
do $$
begin
  perform tests.tamper('update public.accounts set version = version + 2 where id = ledger.account_id(tests.get_supabase_uid(''bob''), ''USD'')');
  insert into named select * from ledger.book_differences();
  perform tests.tamper('update public.accounts set version = version - 2 where id = ledger.account_id(tests.get_supabase_uid(''bob''), ''USD'')');
end $$;
select results_eq('select * from named', $$ select 'account_version_counts_transactions', bob::text, '5', '3' from ids $$, 'a difference names the row, what it says and what the other side says');

-- who may ask
select is(tests.outcome_as('finance', 'select * from public.integrity_check_books()'), 'done', 'finance may check the books');
select is(tests.outcome_as('ann', 'select * from public.integrity_check_books()'), '42501', 'a customer may not');
select tests.tamper('update public.stock_levels set on_hand = on_hand + 1');
select tests.authenticate_as('admin');
select is((select count(*)::int from public.integrity_check_books() where check_code = 'stock_equals_movements'), 7, 'integrity_check_books answers the differences');
reset role;
select tests.tamper('update public.stock_levels set on_hand = on_hand - 1');
select is_empty('select * from ledger.book_differences()', 'and after all that the books are in order');
select * from finish();
rollback;
