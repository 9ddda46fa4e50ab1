begin;
select plan(3);
select tests.open_old_shop();
select tests.bring_in('orders', jsonb_build_array(tests.old_line('B-1', quantity => '2'), tests.old_line('B-2', 'PAN', customer => 'ben-2')));
-- a wallet that can hold no more
select tests.expect_success(c) from public.ledger_credit_account((tests.old_order('B-1')).user_id, 9007199254740991) c;

select tests.bring_in('orders', jsonb_build_array(
  tests.old_line('C-1', quantity => '-1', placed_at => '2020-04-01'),
  tests.old_line('C-2', 'PAN', '-1', customer => 'ben-2', placed_at => '2020-04-01')), '{"cancellation_prefix": "C-", "refunds": "wallet"}');
select is(tests.rows_of(tests.last_run()), '1 rejected row_cancellation_refused order_number, 2 applied', 'the row says so, and the import goes on');
select results_eq(
  $$select o.order_number, o.credited_amount, a.available_balance from public.orders o join public.accounts a on a.id = o.account_id order by 1$$,
  $$values ('B-1', 0::bigint, 9007199254740991), ('B-2', 250, 250)$$,
  'nothing of the one was taken, the other is in the wallet');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
