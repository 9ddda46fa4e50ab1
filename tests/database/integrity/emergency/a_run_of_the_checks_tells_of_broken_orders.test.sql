-- Source 000, phase 3: mismatches are detected without anybody asking; an order of this system cannot have one.
begin;
select plan(5);
select tests.open_old_orders();
select results_eq($$ select o.order_number, f.severity, f.found, f.diff_amount from ledger.findings('{imported_order_waits_for_its_fix}') f join orders o on o.id::text = f.subject order by 1 $$,
  $$ values ('E-MIXED', 'warning', 'status_mismatch, wallet_without_transaction', 2500::bigint), ('E-RECEIPT', 'warning', 'receipt_stuck', null),
            ('E-STATUS', 'warning', 'status_mismatch', null), ('E-WALLET', 'warning', 'wallet_without_transaction', 2500) $$,
  'each is named with what is wrong');
create temp table run as select (ledger.run_checks('{imported_order_waits_for_its_fix}', 'account', ledger.account_id(tests.get_supabase_uid('eli'), 'USD'))).*;
select is((select count(*)::int from integrity_findings n join run on run.id = n.run_id), 4,
  'also by a run of one account');
select is((select count(*)::int from orders o join customer_orders c on c.order_id = o.id join order_management m on m.order_id = o.id
           where c.status <> m.status or c.payment_status <> m.payment_status), 0, 'the two sides of an order here are one row');
select tests.expect_success(f) from integrity_emergency_order_fix(p_dry_run => false) f;
select is_empty($$ select * from ledger.findings('{imported_order_waits_for_its_fix}') f where f.check_code is not null $$, 'once fixed none is');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
