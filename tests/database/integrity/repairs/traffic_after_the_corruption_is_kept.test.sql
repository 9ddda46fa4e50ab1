-- What happened between a corruption and its repair counts: the repair takes off what was wrong and nothing else.
begin;
select plan(8);
select tests.open_shop();
select tests.enforce_repairs();
create temp table ids as select ledger.account_id(tests.get_supabase_uid('bob'), 'USD') as bob, tests.get_variant_id('MUG') as mug;
create temp table before as
  select (select a.available_balance from public.accounts a, ids where a.id = bob) as balance, (select s.on_hand from public.stock_levels s, ids where s.variant_id = mug) as on_hand;
select tests.tamper(format('update public.accounts set total_earned = total_earned + 40 where id = %L', bob)) from ids;
select tests.tamper(format('update public.stock_levels set on_hand = on_hand - 2 where variant_id = %L', mug)) from ids;
select tests.expect_success(c) from public.ledger_credit_account(tests.get_supabase_uid('bob'), 5) c;
select tests.expect_success(s) from public.ledger_adjust_stock((select mug from ids), 7) s;
select is(tests.plan_repairs(), 'account_totals, stock_levels', 'both are planned');
-- and goes on between the plan and the repair
select tests.expect_success(c) from public.ledger_credit_account(tests.get_supabase_uid('bob'), 2) c;
select tests.expect_success(s) from public.ledger_adjust_stock((select mug from ids), 3) s;
select is((select format('%s, %s', a.applied_count, a.stale_count) from public.reconciliation_apply(true) a), '2, 0', 'as much is still wrong');
select is((select applied_count from public.reconciliation_apply(false)), 2::bigint, 'and they are applied');
select is((select a.available_balance from public.accounts a, ids where a.id = bob), (select balance + 7 from before), 'the account has what it had, and the credit');
select is((select s.on_hand from public.stock_levels s, ids where s.variant_id = mug), (select on_hand + 10 from before), 'the stock what it had, and what was received');
-- a transaction and a movement have kept a balance that was wrong, and are never changed
select is((select t.balance_after from public.transactions t, ids where t.account_id = bob order by t.account_version desc limit 1), (select balance + 47 from before), 'a transaction says what its account said');
select tests.expect_success(c) from public.ledger_credit_account(tests.get_supabase_uid('bob'), 1) c;
select tests.expect_success(s) from public.ledger_adjust_stock((select mug from ids), 1) s;
select is(tests.plan_repairs(), 'nothing', 'no repair is planned for that');
select is_empty($$ select * from ledger.book_differences() where check_code not in ('statement_adds_up', 'movements_add_up') $$, 'but for these two the books are in order');
select * from finish();
rollback;
