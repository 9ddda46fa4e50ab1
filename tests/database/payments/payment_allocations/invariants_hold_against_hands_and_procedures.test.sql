-- Source 002, 2.4 and 16.7: I1 to I10, each tried through procedures, by hand as an admin in the dashboard would, and by
-- hand with a procedure's mark set, where only the constraints are left to refuse.
begin;
select plan(71);

select tests.create_customer('alice');
select tests.create_customer('bob');
select tests.invoice_customer('rent', 'alice', 'rent x 1 at 800');
select tests.invoice_customer('work', 'alice', 'work x 1 at 500');
select tests.invoice_customer('bobs', 'bob', 'work x 1 at 500');
select tests.receive('big', 'alice', 700), tests.receive('bobs', 'bob', 400);
select tests.expect_success(a) from tests.allocate('big', 'rent 300', 'work 100') a;
select tests.expect_success(r) from ledger_reverse_allocation(tests.allocation_id('big', 'work')) r;
select tests.expect_success(c) from ledger_credit_invoice(tests.invoice_id('work'), p_amount => 100, p_reason => 'goodwill') c;
set constraints all immediate;
set constraints all deferred;
create temp table before as select tests.state() as state;

-- by hand, without a mark: every kind of write on each of these tables is refused and says what to call
create temp table tables (name text, procedures text);
insert into tables values
  ('payments', 'ledger_'), ('invoices', 'ledger_issue_invoice'), ('invoice_lines', 'ledger_'), ('invoice_balance_cache', 'ledger_allocate_payment'),
  ('account_debt_cache', 'ledger_issue_invoice'), ('debt_movements', 'ledger_'), ('payment_allocations', 'ledger_allocate_payment');
select matches(tests.error_as('postgres', format(k.statement, t.name, (select a.attname from pg_attribute a where a.attrelid = t.name::regclass and a.attnum = 1))),
               case when k.kind = 'insert' or t.name in ('payments', 'invoices', 'invoice_balance_cache', 'account_debt_cache')
                    then '^42501: .* by hand is refused.*Call .*' || t.procedures else '^42501: .* is refused: its rows are never changed or removed' end,
               format('%s of %s by hand', k.kind, t.name))
from tables t, (values ('insert', 'insert into public.%1$s default values'), ('update', 'update public.%1$s set %2$I = %2$I'),
                       ('delete', 'delete from public.%1$s'), ('truncate', 'truncate public.%1$s cascade')) k (kind, statement);
select matches(tests.error_as('postgres', format('delete from public.payments where id = %L', tests.payment_id('big'))),
               'delete on payments by hand is refused: balances, statuses, totals and stock move only inside procedures \(Call ledger_record_payment',
               'section 10 of source 002: an allocated payment is not deleted, and the message says what to do');

-- with a mark set by hand the constraints are left
create function pg_temp.forced(p_statement text) returns text language plpgsql as $$
declare
  v_state text;
  v_constraint text;
begin
  perform set_config('ledger.procedure', 'test', true);
  execute p_statement;
  set constraints all immediate;
  raise exception sqlstate 'DONE1';
exception
  when sqlstate 'DONE1' then return 'done';
  when others then
    get stacked diagnostics v_constraint = constraint_name;
    return coalesce(nullif(v_constraint, ''), sqlstate);
end $$;
create function pg_temp.row_of(p_payment text, p_invoice text, p_amount bigint, p_reverses uuid default null) returns text language sql as $$
  select format('insert into public.payment_allocations (account_id, payment_id, invoice_id, allocated_amount, method, reverses_allocation_id, transaction_id)
                 values (%L, %L, %L, %s, %L, %L, %L)',
                ledger.account_id(tests.get_supabase_uid('alice'), 'USD'), tests.payment_id(p_payment), tests.invoice_id(p_invoice), p_amount, 'manual', p_reverses, gen_random_uuid());
$$;
create function pg_temp.of(p_table text, p_set text, p_invoice text) returns text language sql as $$
  select format('update public.%I set %s where %s', p_table, p_set,
    case p_table when 'payments' then format('id = %L', tests.payment_id('big'))
                 when 'account_debt_cache' then format('account_id = %L', ledger.account_id(tests.get_supabase_uid('alice'), 'USD'))
                 when 'invoices' then format('id = %L', tests.invoice_id(p_invoice))
                 else format('invoice_id = %L', tests.invoice_id(p_invoice)) end);
$$;
-- of several keys that refuse, the one that is asked first is not the same in every database
select matches(pg_temp.forced(v.statement), '^(' || v.expected || ')$', format('%s: %s', v.rule, v.what))
from (values
  ('I1', 'a payment gives more than it has', 'parts_are_part_of_the_amount', pg_temp.row_of('big', 'work', 401)),
  ('I1', 'a payment is made smaller than what it gave', 'parts_are_part_of_the_amount', pg_temp.of('payments', 'amount = 299', null)),
  ('I1', 'a payment that gave is voided', 'voided_payment_is_not_allocated', pg_temp.of('payments', 'status = ''voided''', null)),
  ('I2', 'an invoice takes more than it claims', 'allocated_at_most_the_amount', pg_temp.row_of('big', 'work', 400) || '; ' || pg_temp.of('invoice_balance_cache', 'allocated_total = 401', 'work')),
  ('I2', 'an invoice is credited below what it took', 'allocated_at_most_the_amount',
         pg_temp.of('invoices', 'credited_amount = 501', 'rent') || '; ' || pg_temp.of('invoice_balance_cache', 'amount = 299', 'rent')),
  ('I2', 'an invoice that took is void', 'allocated_at_most_the_amount',
         pg_temp.of('invoices', 'status = ''void'', voided_at = now()', 'rent') || '; ' || pg_temp.of('invoice_balance_cache', 'amount = 0', 'rent')),
  ('I3', 'what remains is written by hand', '428C9', pg_temp.of('invoice_balance_cache', 'remaining_amount = 0', 'rent')),
  ('I3', 'the cache claims another amount than the invoice', 'amount_is_the_invoices', pg_temp.of('invoice_balance_cache', 'amount = 900', 'rent')),
  ('I3', 'the invoice claims another amount than the cache', 'amount_is_the_invoices', pg_temp.of('invoices', 'credited_amount = 1', 'rent')),
  ('I3', 'the invoice''s amount is written by hand', '428C9', pg_temp.of('invoices', 'amount = 1', 'rent')),
  ('I3', 'an invoice''s total is changed', '42501', pg_temp.of('invoices', 'total_amount = 900', 'rent')),
  ('I4, I8, I9', 'the status is written by hand', '428C9', pg_temp.of('invoice_balance_cache', 'status_cached = ''paid''', 'rent')),
  ('I5', 'the debt is written by hand', '428C9', pg_temp.of('account_debt_cache', 'debt_amount = 0', null)),
  ('I5', 'more is allocated in all than is claimed', 'allocated_at_most_what_is_claimed', pg_temp.of('account_debt_cache', 'allocated_amount = 1300', null)),
  ('I5', 'less than nothing is unapplied', 'amounts_are_not_negative', pg_temp.of('account_debt_cache', 'unapplied_amount = -1', null)),
  ('I6', 'a payment''s allocated amount is below zero', 'parts_are_part_of_the_amount', pg_temp.of('payments', 'allocated_amount = -1', null)),
  ('I6', 'a payment''s remainder is written by hand', '428C9', pg_temp.of('payments', 'unapplied_amount = 0', null)),
  ('I7', 'an invoice has less than nothing', 'allocated_at_most_the_amount', pg_temp.of('invoice_balance_cache', 'allocated_total = -1', 'rent')),
  ('pair', 'a second live row of a payment and an invoice', 'one_live_row_per_payment_and_invoice', pg_temp.row_of('big', 'rent', 1)),
  ('pair', 'a row of an invoice of another customer', 'invoice_is_of_the_account', pg_temp.row_of('big', 'bobs', 1)),
  ('pair', 'a row of a payment of another customer', 'payment_is_of_the_account', pg_temp.row_of('bobs', 'rent', 1)),
  ('row', 'an allocation of nothing', 'amount_is_exact', pg_temp.row_of('big', 'work', 0)),
  ('row', 'an allocation below zero that reverses nothing', 'only_reversals_are_negative', pg_temp.row_of('big', 'work', -1)),
  ('row', 'a reversal that is none', 'only_reversals_are_negative', pg_temp.row_of('big', 'rent', 300, tests.allocation_id('big', 'rent'))),
  ('row', 'a reversal of a part', 'reversal_is_of_all_of_its_row', pg_temp.row_of('big', 'rent', -299, tests.allocation_id('big', 'rent'))),
  ('row', 'a reversal with another invoice', 'reversal_is_of_all_of_its_row', pg_temp.row_of('big', 'work', -300, tests.allocation_id('big', 'rent'))),
  ('row', 'a second reversal', 'payment_allocations_reverses_allocation_id_key',
          pg_temp.row_of('big', 'work', -100, (select l.id from payment_allocations l where l.allocated_amount = 100))),
  ('row', 'a movement that moves nothing', 'something_changes',
          'insert into public.debt_movements select account_id, 999, transaction_id, 0, 0, 0, debt_after, unapplied_after from public.debt_movements limit 1'),
  ('delete', 'an allocated payment', 'payment_allocations_payment_id_fkey', format('delete from public.payments where id = %L', tests.payment_id('big'))),
  ('delete', 'an invoice with allocations', 'invoice_lines_invoice_id_fkey|amount_is_the_invoices|payment_allocations_invoice_id_fkey', format('delete from public.invoices where id = %L', tests.invoice_id('rent'))),
  ('delete', 'an allocation', '42501', 'delete from public.payment_allocations'),
  ('update', 'an allocation', '42501', 'update public.payment_allocations set allocated_amount = 1'),
  ('update', 'a movement', '42501', 'update public.debt_movements set debt_after = 0')) v (rule, what, expected, statement);

-- through procedures
select is(v.code, v.expected, format('%s: %s is refused by the procedure', v.rule, v.what))
from (values
  ('I1, I6', 'giving more than the payment has', 'allocation_exceeds_payment', (select error_code from tests.allocate('big', 'rent 201', 'work 200'))),
  ('I2, I7', 'giving more than the invoice claims', 'allocation_exceeds_invoice', (select error_code from tests.allocate('big', 'work 401'))),
  ('I3', 'crediting a free invoice beyond its total', 'amount', (select case when error_code is not null then 'amount' end from ledger_credit_invoice(tests.invoice_id('rent'), p_amount => 801, p_reason => 'x')))
  ) v (rule, what, expected, code);

-- I10: no drift at all, by its own check as well
select is(tests.changes((select state from before), tests.state()), null, 'none of all these changed anything');
select is((select difference_count from invoice_recalculate()), 0::bigint, 'I10: nothing differs from its rows');
select is((select array_agg(r.status) from ledger.check_debt_drift() r where r.check_code = 'debt_cache'), array['OK'], 'I10: there is no drift');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

-- and a sum that went wrong all the same, round every guard, is found
select tests.tamper('update public.invoice_balance_cache set allocated_total = allocated_total + 1 where remaining_amount > 0 and allocated_total > 0');
select bag_eq(
  $$ select check_code from ledger.book_differences() where check_code ~ '(remaining|debt|allocat)' $$,
  $$ values ('invoice_remaining_is_amount_less_allocations') $$, 'I3: a cache that does not equal its rows is reported');
select results_eq($$ select kind, cached ->> 'allocated_total', recomputed ->> 'allocated_total' from ledger.balance_differences() $$,
                  $$ values ('invoice', '301', '300') $$, 'and so beside its rows');
select * from finish();
rollback;
