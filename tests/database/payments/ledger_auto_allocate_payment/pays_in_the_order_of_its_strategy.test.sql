begin;
select plan(26);

-- issued in this order: small and overdue for 3 days, large and due, larger and overdue for 9 days, small and overdue for 9 days
select tests.create_customer('alice');
create function pg_temp.issue(p_name text, p_amount bigint, p_due interval) returns void language sql as $$
  select tests.expect_success(i)
  from ledger_issue_invoice(p_user_id => tests.get_supabase_uid('alice'), p_lines => tests.invoice_lines(format('work x 1 at %s', p_amount)),
                            p_reference => p_name, p_due_at => now() + p_due) i;
$$;
select pg_temp.issue('a', 100, '-3 days -1 hour'), pg_temp.issue('b', 900, '20 days'), pg_temp.issue('c', 400, '-9 days -2 hours'), pg_temp.issue('d', 300, '-9 days -9 hours');
-- b was issued ten days before the others
select set_config('ledger.procedure', 'test', true);
alter table invoices disable trigger what_was_issued_never_changes;
update invoices set issued_at = now() - interval '10 days' where id = tests.invoice_id('b');
update invoices set issued_at = now() - interval '5 days' where id = tests.invoice_id('a');
alter table invoices enable always trigger what_was_issued_never_changes;
select set_config('ledger.procedure', '', true);
select tests.receive('p', 'alice', 1000);

create function pg_temp.plan(p_strategy text) returns text language sql as $$
  select string_agg(format('%s %s', i.reference, p ->> 'amount'), ', ' order by e.ordinality)
  from ledger_auto_allocate_payment(tests.payment_id('p'), p_strategy, p_dry_run => true) a
  cross join jsonb_array_elements(a.plan) with ordinality e (p)
  join invoices i on i.id = (p ->> 'invoice_id')::uuid;
$$;
create temp table before as select tests.state() as state;
select is(pg_temp.plan('fifo'), 'b 900, a 100', 'fifo: what was issued first is paid first, the last one in part');
select is(pg_temp.plan('aging'), 'c 400, d 300, a 100, b 200', 'aging: the most overdue day first, of one day the largest first');
select is(pg_temp.plan('risk'), 'c 400, d 300, a 100, b 200', 'risk: days overdue times what is left: 3600, 2700, 300, 0');
select is(pg_temp.plan('FIFO'), 'b 900, a 100', 'in any case');
select is(tests.changes((select state from before), tests.state()), null, 'a dry run changes nothing');

-- weights: age a 5/10 b 1 c 0 d 0, overdue a 3/9 b 0 c 1 d 1, size a 1/9 b 1 c 4/9 d 3/9
select results_eq(
  $$ select i.reference, round((p ->> 'score')::numeric, 4)
     from ledger_auto_allocate_payment(tests.payment_id('p'), 'weighted', p_dry_run => true) a
     cross join jsonb_array_elements(a.plan) with ordinality e (p)
     join invoices i on i.id = (p ->> 'invoice_id')::uuid order by e.ordinality $$,
  $$ values ('c', 0.6111), ('d', 0.5833), ('b', 0.5000) $$, 'weighted: (1 x age + 2 x overdue + 1 x size) / 4');
select tests.set_setting('allocation_weight_overdue', '0'), tests.set_setting('allocation_weight_size', '0');
select is(pg_temp.plan('weighted'), 'b 900, a 100', 'the weight of age alone is as fifo');
select tests.set_setting('allocation_weight_age', '0'), tests.set_setting('allocation_weight_size', '5');
select is(pg_temp.plan('weighted'), 'b 900, c 100', 'that of size alone takes the largest first');
select tests.set_setting('allocation_weight_size', '0');
select is(pg_temp.plan('weighted'), 'b 900, a 100', 'no weight at all is fifo');
select throws_ok($$ update settings set value = '-1' where key = 'allocation_weight_age' $$, '23514', null, 'a weight below zero is refused');

-- for good
select results_eq(
  $$ select success, strategy, dry_run, allocated_amount, unapplied_amount, jsonb_array_length(allocations) from ledger_auto_allocate_payment(tests.payment_id('p'), 'aging', 'k') $$,
  $$ values (true, 'aging', false, 1000::bigint, 0::bigint, 4) $$, 'the plan is carried out');
select is(array[tests.claim('a'), tests.claim('b'), tests.claim('c'), tests.claim('d')],
          array['100/100/0 paid', '900/200/700 partial', '400/400/0 paid', '300/300/0 paid'], 'each invoice has its part');
select is((select count(*) from payment_allocations where method = 'auto'), 4::bigint, 'as allocations by method auto');
select is((select allocated_amount from ledger_auto_allocate_payment(tests.payment_id('p'), 'aging', 'k')), 1000::bigint, 'the key answers the same again');
select results_eq(
  $$ select error_code, error_message from ledger_auto_allocate_payment(tests.payment_id('p')) $$,
  $$ values ('nothing_to_allocate', 'Nothing can be allocated: the payment has no remainder.') $$, 'a payment that is used up gives nothing');

-- more than all invoices need
select tests.receive('q', 'alice', 1000);
select results_eq(
  $$ select allocated_amount, unapplied_amount from ledger_auto_allocate_payment(tests.payment_id('q')) $$,
  $$ values (700::bigint, 300::bigint) $$, 'what no invoice needs stays with the payment');
select is((select error_message from ledger_auto_allocate_payment(tests.payment_id('q'))),
          'Nothing can be allocated: the customer has no open invoice in USD.', 'until there is an invoice again');
select pg_temp.issue('e', 200, '1 day');
select is((select unapplied_amount from ledger_auto_allocate_payment(tests.payment_id('q'), 'risk')), 100::bigint, 'then it is used');

-- an order that was rejected takes no payments
select tests.create_variant('mug', price => 1000);
select tests.place_named_order('mugs', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.invoice_order('mugs');
select tests.receive('r', 'alice', 50);
select tests.expect_success(c) from tests.change_status('mugs', 'rejected') c;
select is((select error_code from ledger_auto_allocate_payment(tests.payment_id('r'))), 'nothing_to_allocate', 'the invoice of a rejected order is left out');

-- refusals
select is(tests.outcome(null, format('ledger_auto_allocate_payment(%L, %L)', v.id, v.strategy)), v.expected, format('%s by %s: %s', v.id, v.strategy, v.expected))
from (values (tests.payment_id('q'), 'lifo', 'invalid_argument'), (tests.payment_id('q'), null, 'invalid_argument'), (tests.payment_id('q'), '', 'invalid_argument'),
             (tests.invoice_id('a'), 'fifo', 'payment_not_found'), (null, 'fifo', 'payment_not_found')) v (id, strategy, expected);
select is(tests.outcome('alice', format('ledger_auto_allocate_payment(%L, p_dry_run => true)', tests.payment_id('q'))), '42501', 'a customer does not plan it');

select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
