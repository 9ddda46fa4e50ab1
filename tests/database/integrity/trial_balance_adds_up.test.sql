-- DESIGN rule 6: a posting moves an amount from one account of the chart to another, so the books balance by construction.
begin;
select plan(15);
select tests.open_shop();
select tests.create_customer('kimi', 5000, 'JPY');
create temp table trial as select * from public.report_trial_balance();
select is_empty('select currency from trial group by currency having sum(debit_amount) <> sum(credit_amount)', 'debits equal credits in every currency');
select is_empty($$ select t.chart_account from trial t join public.chart_accounts c on c.code = t.chart_account
                   where t.balance_amount <> case c.normal_side when 'debit' then t.debit_amount - t.credit_amount else t.credit_amount - t.debit_amount end $$, 'a balance is positive on the account''s normal side');
select is_empty($$ select currency from (select t.currency, sum(case when c.normal_side = 'debit' then t.balance_amount else -t.balance_amount end) as rest
                   from trial t join public.chart_accounts c on c.code = t.chart_account group by t.currency) s where rest <> 0 $$, 'assets and expenses equal liabilities and income');

-- the accounts of the chart against what they stand for; the shop so far: ann 100000, bob 50000, carol 20000 paid in
select is((select balance_amount from trial where currency = 'USD' and chart_account = 'bank'), (170000 - 2000)::bigint, 'the bank holds what was paid in, without what was paid out');
select is((select balance_amount from trial where currency = 'USD' and chart_account = 'wallet'), (select sum(available_balance)::bigint from public.accounts where currency = 'USD'), 'wallets are what the accounts have available');
select is((select balance_amount from trial where currency = 'USD' and chart_account = 'withdrawals_payable'), 1700::bigint, 'withdrawals to pay out are the requested ones');
select is((select balance_amount from trial where currency = 'USD' and chart_account = 'order_escrow'),
  (select sum(paid_amount)::bigint from public.orders where status = 'pending'), 'escrow is what is paid for orders that are not delivered');
select is((select balance_amount from trial where currency = 'USD' and chart_account = 'revenue'), (400 + 4 * 1250)::bigint, 'revenue is the goods of the delivered orders');
select is((select balance_amount from trial where currency = 'USD' and chart_account = 'tax_payable'), 28::bigint, 'tax to hand over is theirs too: 7 % of 400');
select is((select balance_amount from trial where currency = 'USD' and chart_account = 'commission_expense'), 250::bigint, 'commissions are 5 % of the 5000 that carol paid for goods');
select results_eq($$ select chart_account, balance_amount from trial where currency = 'JPY' order by chart_account $$, $$ values ('bank', 5000::bigint), ('wallet', 5000) $$, 'each currency has its own balance');

-- what a table of postings cannot hold
select throws_ok(format('select tests.tamper(%L)', statement), '23514', null, what) from (values
  ('update public.postings set amount = 0', 'a posting of nothing'), ('update public.postings set amount = -amount', 'a posting of a negative amount'),
  ('update public.postings set credit_account = debit_account', 'a posting from an account to itself'), ('update public.postings set amount = 9007199254740992', 'a posting beyond 2^53 - 1')) v (statement, what);
select * from finish();
rollback;
