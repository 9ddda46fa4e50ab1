-- Issue 6: a run of what has changed, or of one account, finds of it what a run of everything finds, and nothing else.
begin;
select plan(56);
select tests.open_shop();
select tests.open_office();
select tests.open_desk();
select tests.open_till();
select tests.open_market();
select tests.open_warehouse();
select tests.open_returns();
select tests.open_refunds();
select tests.open_cards();
select tests.create_customer('zoltan', 1000);
create temp table shop as
  select ledger.account_id(tests.get_supabase_uid('zoltan'), 'USD') as zoltan, tests.get_variant_id('MUG') as mug;

/* The checks that report something of a scope after a statement, which is undone. */
create function pg_temp.found_after(p_statement text, p_scope ledger.integrity_scope) returns text language plpgsql as $$
declare
  v_found text;
begin
  perform tests.tamper(p_statement);
  select string_agg(distinct f.check_code, ', ') into v_found from ledger.findings(null, p_scope) f where f.severity <> 'warning';
  raise exception using errcode = 'TRIED', message = coalesce(v_found, 'nothing');
exception when sqlstate 'TRIED' then
  return sqlerrm;
end $$;

-- a shop in order is in order in every scope
select is_empty('select * from ledger.findings(null, ledger.changed_since(0)) f where f.check_code is not null', 'all that ever changed is in order');
select is_empty($$ select f.* from public.accounts a, ledger.findings(null, ledger.scope_of_run('account', a.id, 0)) f where f.check_code is not null $$, 'each account is in order');
-- whatever procedures have written to is among what has changed
select is_empty($$ select a.id from public.accounts a where a.version > 0 and a.id <> all ((ledger.changed_since(0)).touched_account_ids) $$, 'each account that has a transaction');
select is_empty($$ select o.id from public.orders o where o.id <> all ((ledger.changed_since(0)).order_ids) $$, 'each order');
select is_empty($$ select distinct m.variant_id from public.stock_movements m where m.variant_id <> all ((ledger.changed_since(0)).touched_variant_ids) $$, 'each variant whose stock moved');
select is_empty($$ select l.variant_id from public.stock_reservation_lines l where l.variant_id <> all ((ledger.changed_since(0)).touched_variant_ids) $$, 'and each that was reserved');
select is((select s.touched_account_ids from ledger.changed_since(9223372036854775807) s), '{}', 'nothing has changed since the future');

-- for each family: whose row it is, and a corruption of it
create temp table corruptions (check_code text, account_id uuid, statement text);
insert into corruptions
select v.check_code, v.account_id, v.statement from (
  select 'account_totals_replay_from_events', a.id, format('update public.accounts set total_earned = total_earned + 5, total_withdrawn = total_withdrawn + 5 where id = %L', a.id)
  from public.accounts a where a.user_id = tests.get_supabase_uid('bob')
  union all
  (select 'posting_refers_to_what_is_there', p.account_id, format('update public.postings set currency = ''EUR'' where transaction_id = %L', p.transaction_id) from public.postings p limit 1)
  union all
  (select 'order_totals_equal_items', i.account_id, format('update public.order_items set discount_amount = discount_amount + 1 where order_id = %L and line_number = %s', i.order_id, i.line_number)
   from public.order_items i where i.discount_amount < i.total_price_amount limit 1)
  union all
  (select 'order_has_its_transaction, status_fits_its_transaction, transaction_equals_its_event', t.account_id, format('update public.transactions set type = ''order_status_changed'' where id = %L', t.id) from public.transactions t where t.type = 'order_created' limit 1)
  union all
  (select 'refund_refers_to_what_is_there', f.account_id, format('update public.refunds set currency = ''EUR'' where id = %L', f.id) from public.refunds f limit 1)
  union all
  (select 'payment_refers_to_what_is_there', p.account_id, format('update public.payments set currency = ''EUR'' where id = %L', p.id) from public.payments p where p.status = 'voided' limit 1)
  union all
  (select 'card_bookings_equal_payments', b.account_id, format('update public.card_bookings set account_id = gen_random_uuid() where id = %L', b.id) from public.card_bookings b where b.kind = 'captured' limit 1)
  union all
  (select 'invoice_credited_by_its_notes', i.account_id, format('update public.invoices set credited_amount = credited_amount - 1, prepaid_amount = prepaid_amount + 1 where id = %L', i.id)
   from public.invoices i where i.id = tests.invoice_id('office'))
  union all
  (select 'shipments_count_from_one', s.account_id, format('update public.shipments set shipment_number = shipment_number + 1 where id = %L', s.id) from public.shipments s order by s.order_id, s.shipment_number desc limit 1)
  union all
  (select 'vendor_earning_refers_to_what_is_there', o.account_id, format('update public.vendor_earnings set currency = ''EUR'' where id = %L', e.id) from public.vendor_earnings e join public.orders o on o.id = e.order_id limit 1)) v (check_code, account_id, statement);
select is((select count(*)::int from corruptions), 10, 'each family has a row to break');
select is(pg_temp.found_after(statement, ledger.scope_of_run('account', account_id, 0)), check_code, 'the account finds ' || check_code) from corruptions order by check_code;
select is(pg_temp.found_after(statement, ledger.changed_since(0)), check_code, 'what has changed finds ' || check_code) from corruptions order by check_code;
select is(pg_temp.found_after(statement, ledger.scope_of_run('account', (select zoltan from shop), 0)), 'nothing', 'another account does not find ' || check_code) from corruptions order by check_code;
select is(pg_temp.found_after(statement, ledger.changed_since(9223372036854775807)), 'nothing', 'what did not change does not find ' || check_code) from corruptions order by check_code limit 7;
select is(pg_temp.found_after(format('update public.stock_levels set on_hand = on_hand + 1 where variant_id = %L', mug), ledger.changed_since(0)), 'stock_equals_last_movement, stock_equals_movements', 'stock that moved is among what has changed') from shop;
select is(pg_temp.found_after(format('update public.stock_levels set on_hand = on_hand + 1 where variant_id = %L', mug), ledger.scope_of_run('account', zoltan, 0)), 'nothing', 'and is no account''s') from shop;

-- of a long history only the changed orders and the last row are looked at, here of all accounts and variants
select is((select format('%s %s', cardinality(s.account_ids), cardinality(s.variant_ids)) from ledger.changed_since(0, 0) s), '0 0', 'no history is short enough');
select is_empty('select * from ledger.findings(null, ledger.changed_since(0, 0)) f where f.check_code is not null', 'a shop in order is in order without its histories too');
select is(pg_temp.found_after(statement, ledger.changed_since(0, 0)), check_code, 'an order of a long history is found by ' || check_code)
from corruptions where check_code in ('order_totals_equal_items', 'refund_refers_to_what_is_there', 'shipments_count_from_one', 'vendor_earning_refers_to_what_is_there') order by check_code;
select is(pg_temp.found_after('update public.accounts set total_earned = total_earned + 5', ledger.changed_since(0, 0)), 'account_equals_last_transaction', 'so is money from nowhere');
select is(pg_temp.found_after(format('update public.stock_levels set on_hand = on_hand + 1 where variant_id = %L', mug), ledger.changed_since(0, 0)), 'stock_equals_last_movement', 'and a unit from nowhere') from shop;
select is_empty('select * from ledger.book_differences()', 'after all that the books are in order');
select * from finish();
rollback;
