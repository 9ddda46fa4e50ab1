-- DESIGN sections 4 and 5: every sum that must be right is compared from its two sides. For each check a
-- corruption that it alone reports, so that each is needed and each works.
begin;
select tests.open_shop();
create temp table ids as
  select ledger.account_id(tests.get_supabase_uid('ann'), 'USD') as ann, ledger.account_id(tests.get_supabase_uid('bob'), 'USD') as bob,
         (select o.id from public.orders o where o.user_id = tests.get_supabase_uid('ann') and o.status = 'pending') as pending,
         (select o.id from public.orders o where o.user_id = tests.get_supabase_uid('carol')) as delivered,
         tests.get_variant_id('MUG') as mug;
create temp table corruptions (check_code text, what text, statement text);
insert into corruptions
select v.check_code, v.what, format(v.statement, ann, bob, pending, delivered, mug)
from ids, (values
  ('account_equals_transactions', 'a transaction with another amount', 'update public.transactions set amount = amount + 1 where account_id = %2$L and type = ''deposit'''),
  ('account_equals_last_transaction', 'a last transaction with another balance', 'update public.transactions t set balance_after = balance_after + 1 from public.accounts a where a.id = t.account_id and a.version = t.account_version and a.id = %2$L'),
  ('account_version_counts_transactions', 'an account with another version', 'update public.accounts set version = version + 1 where id = %2$L'),
  ('account_equals_wallet_postings', 'a posting with another amount', 'update public.postings set amount = amount + 1 where account_id = %2$L and debit_account = ''bank'' and credit_account = ''wallet'''),
  ('account_totals_replay_from_events', 'two totals that are wrong by the same amount', 'update public.accounts set total_earned = total_earned + 5, total_withdrawn = total_withdrawn + 5 where id = %2$L'),
  ('account_totals_replay_from_events', 'an event that says something else', 'update public.immutable_events set payload = jsonb_set(payload, ''{effect,total_earned}'', ''7'') where account_id = %2$L and event_type = ''account.credited'''),
  ('account_totals_replay_from_events', 'an event that is gone', 'delete from public.immutable_events where account_id = %2$L and event_type = ''account.credited'''),
  ('total_orders_equals_orders', 'a delivered order said to have been refunded', 'update public.orders set refunded_amount = 1 where id = %4$L'),
  ('escrow_equals_open_orders', 'a delivery that took another amount out of escrow', 'update public.postings set amount = amount + 1 where debit_account = ''order_escrow'' and credit_account = ''revenue'''),
  ('withdrawals_payable_equals_pending', 'a paid withdrawal posted with another amount', 'update public.postings set amount = amount + 1 where debit_account = ''withdrawals_payable'' and credit_account = ''bank'''),
  ('pending_equals_open_withdrawals', 'a requested withdrawal with another amount', 'update public.withdrawals set amount = amount + 1 where account_id = %2$L'),
  ('pending_equals_open_withdrawals', 'a withdrawal settled without its money', 'update public.withdrawals set status = ''paid'' where account_id = %2$L'),
  ('order_totals_equal_items', 'an item with another tax', 'update public.order_items set tax_amount = tax_amount + 1 where order_id = %3$L and line_number = 1'),
  ('order_totals_equal_items', 'an item with another discount', 'update public.order_items set discount_amount = discount_amount + 1 where order_id = %3$L and line_number = 1'),
  ('order_paid_by_wallet_has_a_transaction', 'an order whose transaction is of another type', 'update public.transactions set type = ''order_status_changed'' where order_id = %3$L'),
  ('order_status_equals_history', 'an order with another status', 'update public.orders set status = ''shipped'' where id = %3$L'),
  ('stock_equals_movements', 'more stock on hand', 'update public.stock_levels set on_hand = on_hand + 1 where variant_id = %5$L'),
  ('stock_equals_movements', 'a movement that was not counted', 'update public.stock_levels set version = version + 1 where variant_id = %5$L'),
  ('sold_equals_order_movements', 'a movement that belongs to no order', 'update public.stock_movements set order_id = null where order_id = %3$L and variant_id = %5$L and reason = ''order_placed'''),
  ('order_refers_to_what_is_there', 'an order with an unknown payment method', 'update public.orders set payment_method = ''shells'' where id = %3$L'),
  ('line_refers_to_what_is_there', 'a line of an unknown variant', 'update public.order_items set variant_id = gen_random_uuid() where order_id = %3$L and line_number = 1'),
  ('line_refers_to_what_is_there', 'a line of an unknown vendor', 'update public.order_items set vendor_id = gen_random_uuid() where order_id = %3$L and line_number = 1'),
  ('line_refers_to_what_is_there', 'a line in the books of somebody else', 'update public.order_items set account_id = %2$L where order_id = %3$L and line_number = 1'),
  ('transaction_refers_to_what_is_there', 'a transaction of an unknown account', 'insert into public.transactions (account_id, account_version, type, amount, balance_after, actor_action, correlation_id) values (gen_random_uuid(), 1, ''bonus'', 0, 0, ''x'', gen_random_uuid())'),
  ('posting_refers_to_what_is_there', 'a posting to an account that the chart has not', 'update public.postings set debit_account = ''sock'' where account_id = %2$L and debit_account = ''bank'''),
  ('posting_refers_to_what_is_there', 'a posting in another currency than its account', 'update public.postings set currency = ''EUR'' where account_id = %2$L and debit_account = ''bank'''),
  ('movement_refers_to_what_is_there', 'a movement of an unknown variant', 'insert into public.stock_movements (variant_id, slot_version, quantity, on_hand_after, reason) values (gen_random_uuid(), 1, 1, 1, ''counted'')'),
  ('variant_has_stock', 'a variant without a row of stock', 'insert into public.variants (product_id, sku, name, price_amount, currency) select product_id, ''LOST'', ''Lost'', 1, ''USD'' from public.variants where id = %5$L'),
  ('discount_usage_equals_redemptions', 'a code used once more', 'update public.discount_usage set redemptions = redemptions + 1'),
  ('discount_usage_equals_redemptions', 'a redemption released by hand', 'update public.discount_redemptions set released_at = now()')
) v (check_code, what, statement);

/* The checks that report something after a statement; the statement is undone. */
create function pg_temp.found_after(p_statement text) returns text language plpgsql as $$
declare
  v_found text;
begin
  perform tests.tamper(p_statement);
  select string_agg(distinct d.check_code, ', ') into v_found from ledger.book_differences() d;
  raise exception using errcode = 'TRIED', message = coalesce(v_found, 'nothing');
exception when sqlstate 'TRIED' then
  return sqlerrm;
end $$;

select plan((select count(*)::int from corruptions) + 11);
select is_empty('select * from ledger.book_differences()', 'an untouched shop has no differences');
select is(pg_temp.found_after(statement), check_code, format('%s: %s is found', check_code, what)) from corruptions;
select set_eq($$ select distinct m[1] from pg_proc p, regexp_matches(p.prosrc, '(?:select|union all select) ''([a-z_]+)'',', 'g') m where p.oid = 'ledger.book_differences'::regproc $$,
  'select check_code from corruptions', 'every check was made to report');

-- what breaks more than one sum is reported by all that it breaks
select is(pg_temp.found_after(format(statement, ann, bob, pending, delivered)), expected, what) from ids, (values
  ('update public.accounts set total_earned = total_earned + 1000 where id = %2$L',
   'account_equals_last_transaction, account_equals_transactions, account_equals_wallet_postings, account_totals_replay_from_events', 'money from nowhere'),
  ('update public.accounts set total_orders = 0, total_earned = total_earned - total_orders where id = %2$L', 'account_totals_replay_from_events, total_orders_equals_orders', 'an order that was not paid for'),
  ('delete from public.transactions where account_id = %2$L and type = ''order_created''', 'account_equals_transactions, account_version_counts_transactions, order_paid_by_wallet_has_a_transaction, posting_refers_to_what_is_there', 'a transaction that is gone'),
  ('delete from public.orders where id = %3$L', 'escrow_equals_open_orders, line_refers_to_what_is_there, total_orders_equals_orders', 'an order that is gone')) v (statement, expected, what);

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
select is((select count(*)::int from public.integrity_check_books() where check_code = 'stock_equals_movements'), 2, 'integrity_check_books answers the differences');
reset role;
select tests.tamper('update public.stock_levels set on_hand = on_hand - 1');
select is_empty('select * from ledger.book_differences()', 'and after all that the books are in order');
select * from finish();
rollback;
