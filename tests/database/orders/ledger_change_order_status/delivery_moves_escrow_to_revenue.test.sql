begin;
select plan(10);

select tests.create_variant('mug', price => 1000, tax_rate_bp => 1000);
select tests.create_customer('alice', 10000);
insert into shipping_methods (code, currency, name, price_amount) values ('courier', 'USD', 'Courier', 499);
insert into discount_codes (code, kind, fixed_amount, currency) values ('TAKE300', 'fixed', 300, 'USD');
create temp table trial_balance_before as select * from report_trial_balance();

-- 3000 - 300 + 270 tax + 499 shipping
select tests.authenticate_as('alice');
select is(
  (select total_amount from ledger_place_order(tests.lines('mug x 3'), p_shipping_method => 'courier', p_discount_code => 'TAKE300', p_notes => 'first')),
  3469::bigint, 'an order with tax, shipping and a discount');
select tests.act_as_owner();
create function pg_temp.books() returns text language sql as $$
  select format('escrow %s, revenue %s, tax %s, shipping %s, discounts %s, receivable %s, wallet %s',
    tests.booked('alice', 'order_escrow'), tests.booked('alice', 'revenue'), tests.booked('alice', 'tax_payable'),
    tests.booked('alice', 'shipping_income'), tests.booked('alice', 'discounts'), tests.booked('alice', 'receivable'), tests.booked('alice', 'wallet'));
$$;

select is(pg_temp.books(), 'escrow 3469, revenue 0, tax 0, shipping 0, discounts 0, receivable 0, wallet 6531', 'placed: escrow holds the total');
select tests.move_order(tests.order_id('first'), 'processing', 'shipped');
select is(pg_temp.books(), 'escrow 3469, revenue 0, tax 0, shipping 0, discounts 0, receivable 0, wallet 6531', 'on its way: nothing moves');
select tests.move_order(tests.order_id('first'), 'delivered');
select is(
  pg_temp.books(), 'escrow 0, revenue 3000, tax 270, shipping 499, discounts 300, receivable 0, wallet 6531',
  'delivered: escrow becomes revenue, tax and shipping, with the discount beside the full revenue (DESIGN section 6)');
select results_eq(
  $$ select a.chart_account, a.balance_amount - coalesce(b.balance_amount, 0)
     from report_trial_balance() a left join trial_balance_before b using (currency, chart_account)
     where a.currency = 'USD' and a.balance_amount <> coalesce(b.balance_amount, 0) order by 1 $$,
  $$ values ('discounts', 300::bigint), ('revenue', 3000), ('shipping_income', 499), ('tax_payable', 270), ('wallet', -3469) $$,
  'the trial balance shows the same');
select is(
  (select sum(debit_amount) - sum(credit_amount) from report_trial_balance()), 0::numeric, 'debits and credits are equal');

select tests.move_order(tests.order_id('first'), 'cancelled');
select is(
  pg_temp.books(), 'escrow 0, revenue 0, tax 0, shipping 0, discounts 0, receivable 0, wallet 10000',
  'cancelled after delivery: every posting is reversed and the wallet has its money back');
select is(
  (select sum(debit_amount) - sum(credit_amount) from report_trial_balance()), 0::numeric, 'debits and credits are still equal');
select is_empty(
  $$ select from report_trial_balance() a left join trial_balance_before b using (currency, chart_account)
     where a.balance_amount <> coalesce(b.balance_amount, 0) $$, 'the trial balance is as it was before the order');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
