-- Source 002, E-B4: a plan is diff lines for what follows from immutable rows. Where those contradict each other there is no plan, and it says why.
begin;
select plan(35);
select tests.open_shop();
select tests.open_office();
select tests.open_warehouse();
create temp table ids as
  select ledger.account_id(tests.get_supabase_uid('ann'), 'USD') as ann, ledger.account_id(tests.get_supabase_uid('bob'), 'USD') as bob, tests.get_variant_id('MUG') as mug,
         (select o.id from public.orders o where o.user_id = tests.get_supabase_uid('ann') and o.status = 'pending' order by o.id limit 1) as pending;

select is(tests.outcome_as('postgres', 'select * from public.reconciliation_plan()'), 'invalid_argument', 'there is no run to plan for');
select is(tests.outcome_as('postgres', 'select * from public.reconciliation_plan(gen_random_uuid())'), 'invalid_argument', 'nor this one');
select is(tests.plan_repairs(), 'nothing', 'of a run that found nothing nothing is planned');

select tests.tamper(format('update public.accounts set total_earned = total_earned + 7, total_orders = total_orders + 3 where id = %L', bob)) from ids;
select is(tests.plan_repairs(), 'account_totals', 'what differs from its events is planned, once for all checks that found it');
select results_eq($$ select status, subject, account_id, diff_amount, stream_type, repair from public.reconciliation_actions $$,
                  $$ select 'planned', bob, bob, 10::bigint, 'account', 'account_totals' from ids $$, 'with what it is about and what it comes to');
select results_eq(
  $$ select l ->> 'relation', l -> 'key' ->> 'id', l ->> 'column', (l ->> 'to')::bigint - (l ->> 'from')::bigint from public.reconciliation_actions a, jsonb_array_elements(a.plan) l order by 3 $$,
  $$ select 'accounts', bob::text, c, d from ids, (values ('total_earned', -7::bigint), ('total_orders', -3)) v (c, d) $$, 'a line for each column');
select is((select count(*) from public.reconciliation_actions a join public.integrity_findings f on f.id = a.finding_id and f.run_id = a.run_id and f.check_code = a.check_code), 1::bigint, 'it names its finding');
create temp table first as select a.id, p.plans from public.reconciliation_actions a, public.reconciliation_plan() p;
select is((select p.plans from public.reconciliation_plan() p), (select plans from first), 'planning once more answers the same plans');
select is((select count(*) from public.reconciliation_actions), 1::bigint, 'and plans nothing twice');
select is((select a.total_earned - 7 from public.accounts a, ids where a.id = bob), (select r.total_earned from ids, ledger.replayed_accounts(array[bob]) r), 'planning mends nothing');

-- what is open is looked at again
select tests.tamper(format('update public.accounts set total_earned = total_earned + 1 where id = %L', bob)) from ids;
select is(tests.plan_repairs(), 'account_totals', 'what differs by something else now');
select results_eq('select status, diff_amount from public.reconciliation_actions order by id', $$ values ('superseded', 10::bigint), ('planned', 11) $$, 'takes the place of the plan before');
select tests.tamper(format('update public.accounts set total_earned = total_earned - 8, total_orders = total_orders - 3 where id = %L', bob)) from ids;
select is(tests.plan_repairs(), 'nothing', 'what somebody put right needs no plan');
select results_eq('select status, error_code from public.reconciliation_actions order by id', $$ values ('superseded', null), ('stale', 'stale') $$, 'and the open one is stale');

-- what no repair is for
create function pg_temp.reason(statement text, repair text) returns text language plpgsql as $$
declare
  v_reason text;
begin
  perform tests.tamper(statement);
  perform ledger.run_checks();
  select string_agg(distinct x ->> 'reason', '; ') into v_reason
  from public.reconciliation_plan() p, jsonb_array_elements(p.for_people) x where x ->> 'repair' is not distinct from reason.repair;
  raise exception using errcode = 'TRIED', message = format('%s, %s planned', v_reason, (select count(*) from public.reconciliation_actions a where a.status = 'planned' and a.repair = reason.repair));
exception when sqlstate 'TRIED' then
  return sqlerrm;
end $$;
select matches(pg_temp.reason(format(statement, ann, bob, pending, mug), repair), '^' || reason || '.*, 0 planned$', what)
from ids, (values
  ('update public.transactions set amount = amount + 1 where account_id = %2$L and type = ''deposit''', 'account_totals', 'the events come to a balance of [0-9]+, the transactions to', 'an edited transaction is for people'),
  ('update public.postings set amount = amount + 1 where account_id = %2$L and debit_account = ''bank''', 'account_totals', 'the events come to a balance of [0-9]+, the postings of the wallet to', 'an edited posting is'),
  ('delete from public.immutable_events where account_id = %2$L and event_type = ''account.credited''', 'account_totals', 'an event of it is missing, or there twice', 'so is an event that is gone'),
  ('delete from public.transactions where id = (select t.id from public.transactions t where t.account_id = %2$L order by t.account_version desc limit 1)', 'account_totals', 'the events', 'and a transaction that is gone'),
  ('delete from public.immutable_events where stream_id = %3$L', 'order_status', 'no event says which status it had', 'and one that is gone'),
  ('with gone as (delete from public.transactions where account_id = %2$L and type = ''withdrawal_requested'' returning id) delete from public.postings p using gone where p.transaction_id = gone.id', 'account_totals', 'the events', 'with its postings too'),
  ('with gone as (delete from public.invoices where id = (select i.id from public.invoices i where i.order_id is null and i.kind = ''invoice'' and i.amount > 0 order by i.id limit 1) returning id) delete from public.invoice_balance_cache b using gone where b.invoice_id = gone.id', 'balance_caches', 'invoices, allocations and remainders come to', 'an invoice that is gone with its balance is'),
  ('update public.invoices set subtotal_amount = subtotal_amount + 1, total_amount = total_amount + 1 where kind = ''credit_note'' and order_id is null', 'invoice_credit', 'it could not be written', 'a credit note of more, which its invoice cannot take, is'),
  ('update public.stock_movements set quantity = quantity + 1 where variant_id = %4$L and reason = ''received''', 'stock_levels', 'the movements leave', 'a movement of more units is'),
  ('delete from public.stock_movements where variant_id = %4$L and reason = ''received''', 'stock_levels', 'slot 0 has', 'and one that is gone'),
  ('update public.stock_reservations set status = ''released'', ended_at = now()', 'stock_levels', 'reservation .* holds 0 units by its rows and', 'a reservation that ended without its event is'),
  ('delete from public.stock_reservation_lines', 'stock_levels', 'reservation .* holds 0 units by its rows and', 'and one whose lines are gone'),
  ('update public.postings set amount = amount + 1 where debit_account = ''order_escrow'' and credit_account = ''revenue''', 'order_money', 'payments and refunds leave', 'a posting out of escrow is'),
  ('update public.order_items set tax_amount = tax_amount + 1 where order_id = %3$L and line_number = 1', null, 'there is no repair for what this check finds', 'and what no repair was made for')) v (statement, repair, reason, what);

-- who may, and what nobody may
select is(tests.outcome_as('finance', 'select * from public.reconciliation_plan()'), 'success', 'finance may plan');
select is(tests.outcome_as('admin', 'select * from public.reconciliation_plan()'), 'success', 'so may an admin');
select is(tests.outcome_as('ann', 'select * from public.reconciliation_plan()'), '42501', 'a customer may not');
select is(tests.count_as('ann', 'public.reconciliation_actions'), '0', 'nor see plans');
select matches(tests.error_as('postgres', 'update public.reconciliation_actions set plan = ''[{}]'''), '^42501: update on reconciliation_actions by hand is refused', 'a plan is not written by hand');
select matches(tests.error_as('postgres', 'delete from public.reconciliation_actions'), '^42501: delete', 'nor removed');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
