begin;
select plan(7);
select tests.open_old_shop();
select tests.bring_in('orders', jsonb_build_array(tests.old_line('N1')));
create function pg_temp.pay(external_id text, amount text, paid_at text default '2020-03-01 10:00') returns jsonb language sql as $$
  select jsonb_build_object('external_id', external_id, 'customer', 'ann-1', 'amount', amount, 'paid_at', paid_at, 'method', 'other');
$$;

select is(tests.outcome_of('payments', jsonb_build_array(pg_temp.pay('order N1', '2.50'), pg_temp.pay('P-2', '1.00'))),
  '1 skipped, 2 applied', 'the payment that came with its order is known, and the others of its batch come in');
select is(tests.outcome_of('payments', jsonb_build_array(pg_temp.pay('order N1', '7.00'))),
  '1 rejected row_differs_from_imported external_id', 'another amount under its name is not');
select is(tests.outcome_of('payments', jsonb_build_array(pg_temp.pay('order N2', '3.00'))), '1 applied',
  'a payment can be called after an order that is not here');
select is(tests.outcome_of('orders', jsonb_build_array(tests.old_line('N2'), tests.old_line('N3'))), '1 applied, 2 applied',
  'and does not keep the order out');
select results_eq('select p.amount from public.payments p order by p.amount', 'values (100::bigint), (250), (250), (250), (300)', 'each payment is there once');
select is((select sum(p.amount)::bigint from public.postings p where p.debit_account = 'bank'), 1150::bigint, 'and its money too');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
