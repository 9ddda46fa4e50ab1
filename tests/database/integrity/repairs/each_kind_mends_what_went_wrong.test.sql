-- Source 002, E-B4: each kind of repair brings what somebody changed behind the guards back to what the immutable rows
-- say, the next run is clean, and undone the checks find it again.
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
select tests.open_shadow();
select tests.enforce_repairs();
create temp table ids as
  select ledger.account_id(tests.get_supabase_uid('ann'), 'USD') as ann, ledger.account_id(tests.get_supabase_uid('bob'), 'USD') as bob,
         (select o.id from public.orders o where o.user_id = tests.get_supabase_uid('ann') and o.status = 'pending' order by o.id limit 1) as pending,
         (select o.id from public.orders o where o.user_id = tests.get_supabase_uid('carol') order by o.id limit 1) as delivered,
         tests.get_variant_id('MUG') as mug;
create temp table corruptions (repairs text, what text, statement text);
insert into corruptions
select v.repairs, v.what, format(v.statement, ann, bob, pending, delivered, mug)
from ids, (values
  ('account_totals', 'money from nowhere', 'update public.accounts set total_earned = total_earned + 1000 where id = %2$L'),
  ('account_totals', 'two totals wrong by the same amount', 'update public.accounts set total_earned = total_earned + 5, total_withdrawn = total_withdrawn + 5 where id = %2$L'),
  ('account_totals', 'an account with another version', 'update public.accounts set version = version + 1 where id = %2$L'),
  ('order_status', 'an order with another status', 'update public.orders set status = ''confirmed'' where id = %3$L'),
  ('order_status', 'an order said to have been taken back', 'update public.orders set status = ''refunded'' where id = %4$L'),
  ('order_money', 'a paid order said to be unpaid', 'update public.orders set payment_status = ''unpaid'' where id = %4$L'),
  ('order_money', 'an order said to have been paid by transfer', 'update public.orders set wallet_amount = 0 where id = %4$L'),
  ('order_money', 'an order said to be taken back in part', 'update public.orders set credited_amount = 1 where id = %4$L'),
  ('order_money', 'an order under review without a receipt', 'update public.orders set payment_status = ''receipt_uploaded'' where id = %4$L'),
  ('order_money', 'a deadline settled by hand', 'update public.payment_deadlines set status = ''settled'', settled_at = now()'),
  ('order_money', 'an order in grace said to be paid in part', 'update public.orders set payment_status = ''partially_paid'' where payment_status = ''in_grace'''),
  ('stock_levels', 'more stock on hand', 'update public.stock_levels set on_hand = on_hand + 1 where variant_id = %5$L'),
  ('stock_levels', 'a unit held for nobody', 'update public.stock_levels set held = held + 1 where variant_id = %5$L'),
  ('stock_levels', 'a movement that was not counted', 'update public.stock_levels set version = version + 1 where variant_id = %5$L'),
  ('backorders', 'a unit filled from nowhere', 'update public.backorders set filled_quantity = filled_quantity + 1 where open_quantity > 0'),
  ('balance_caches', 'a payment said to have less allocated', 'update public.payments set allocated_amount = allocated_amount - 1 where id = (select l.payment_id from public.payment_allocations l where l.invoice_id = tests.invoice_id(''advice'') limit 1)'),
  ('balance_caches', 'an invoice said to be unpaid', 'update public.invoice_balance_cache set allocated_total = 0 where invoice_id = tests.invoice_id(''advice'')'),
  ('balance_caches', 'a balance that is gone', 'delete from public.invoice_balance_cache where invoice_id = tests.invoice_id(''spare'')'),
  ('balance_caches', 'an account that owes more', 'update public.account_debt_cache set invoiced_amount = invoiced_amount + 1 where account_id = %1$L'),
  ('balance_caches', 'a debt that is gone', 'delete from public.account_debt_cache where account_id = %1$L'),
  ('card_payment', 'a captured card payment said to be voided', 'update public.card_payments set status = ''voided'', captured_amount = captured_amount + 1 where order_id is not null'),
  ('commission', 'a commission that was not clawed back', 'update public.referral_commissions set clawed_back_amount = 0'),
  ('vendor_earning', 'a vendor''s share said to be taken back in part', 'update public.vendor_earnings set clawed_back_amount = clawed_back_amount + 1 where id = (select e.id from public.vendor_earnings e where e.account_id is not null and e.clawed_back_amount < e.share_amount order by e.id limit 1)'),
  ('import_counts', 'an import said to have applied less', 'update public.import_runs set applied_rows = applied_rows - 1 where source_name = ''old invoices'''),
  ('discount_usage', 'a code used once more', 'update public.discount_usage set redemptions = redemptions + 1')) v (repairs, what, statement);

/* 'planned, run after the repair, found after it is undone'; all of it is taken back. */
create function pg_temp.mended(p_statement text) returns text language plpgsql as $$
declare
  v_planned text;
  v_before text;
  v_after text;
  v_run public.reconciliation_runs;
  v_applied public.reconciliation_apply_result;
  v_undone text;
begin
  perform tests.tamper(p_statement);
  v_planned := tests.plan_repairs();
  v_before := (select string_agg(distinct f.check_code, ', ') from ledger.findings() f where f.check_code is not null);
  v_applied := tests.expect_success(a) from public.reconciliation_apply(false) a;
  v_run := ledger.run_checks();
  select string_agg(distinct coalesce(u.error_code, u.status) || coalesce(u.error_message, ''), ', ') into v_undone
  from public.reconciliation_actions a cross join lateral public.reconciliation_undo(a.id, 'it was right before') u where a.status = 'applied';
  v_after := (select string_agg(distinct f.check_code, ', ') from ledger.findings() f where f.check_code is not null);
  raise exception using errcode = 'TRIED', message = format('%s: %s%s, %s, %s', v_planned, v_run.status,
    coalesce((select ' ' || string_agg(x ->> 'status' || ' ' || (x ->> 'error_message'), ', ') from jsonb_array_elements(v_applied.actions) x where x ->> 'status' <> 'applied'), ''), v_undone,
    case when v_before = v_after then 'found as before' else format('found %s, not %s', v_after, v_before) end);
exception when sqlstate 'TRIED' then
  return sqlerrm;
end $$;

select plan((select count(*)::int from corruptions) + 2);
select is(pg_temp.mended(statement), format('%s: OK, undone, found as before', repairs), format('%s: %s is mended', repairs, what)) from corruptions;
-- its balance holds it to the amount it was issued with, so this one is not undone
select matches(pg_temp.mended('update public.invoices set credited_amount = credited_amount - 1 where id = tests.invoice_id(''office'')'), '^invoice_credit: OK, repair_not_undoable', 'invoice_credit: an invoice said to be credited less is mended');
select is_empty('select * from ledger.book_differences()', 'and after all that the books are in order');
select * from finish();
rollback;
