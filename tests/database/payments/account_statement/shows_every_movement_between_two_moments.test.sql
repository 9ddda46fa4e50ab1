begin;
select plan(28);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 500);
select tests.create_customer('bob', 1);
select tests.create_customer('nobody');
select tests.create_staff(r.role, r.role) from unnest(array['admin', 'finance', 'warehouse', 'logistics', 'vendor']) r (role);
create temp table moments (name text, at timestamptz);
create function pg_temp.mark(p_name text) returns void language sql as $$
  insert into moments values (p_name, clock_timestamp());
$$;
create function pg_temp.at(p_name text) returns timestamptz language sql as $$ select m.at from moments m where m.name = p_name $$;
select pg_temp.mark('a');
select tests.invoice_customer('rent', 'alice', 'rent x 1 at 800');
select tests.receive('big', 'alice', 1000);
select pg_temp.mark('b');
select tests.expect_success(a) from tests.allocate('big', 'rent 600') a;
select tests.place_named_order('mugs', 'alice', tests.lines('mug x 1'), 'wallet_partial');
update order_status_transitions set needs_payment = false;
select tests.move_order(tests.order_id('mugs'), 'confirmed');
select pg_temp.mark('c');
select tests.invoice_order('mugs');
select tests.expect_success(a) from tests.allocate('big', 'mugs 300') a;
select tests.expect_success(r) from ledger_reverse_allocation(tests.allocation_id('big', 'rent'), 'wrong one') r;
select pg_temp.mark('d');

create function pg_temp.statement(p_from text, p_to text, p_limit integer default 100, p_after bigint default null) returns setof account_statement_result language sql as $$
  select s.* from account_statement(tests.get_supabase_uid('alice'), pg_temp.at(p_from), pg_temp.at(p_to), p_limit => p_limit, p_after_version => p_after) s;
$$;
create function pg_temp.balances(p_balances jsonb) returns text language sql as $$
  select format('%s/%s/%s', p_balances ->> 'wallet_balance', p_balances ->> 'debt_balance', p_balances ->> 'unapplied_balance');
$$;

-- all of it
select results_eq(
  $$ select success, pg_temp.balances(opening), pg_temp.balances(closing), next_version from pg_temp.statement(null, null) $$,
  $$ values (true, '0/0/0', '0/1000/700', null::bigint) $$, 'from nothing to what there is now: wallet, debt, unapplied');
select results_eq(
  $$ select m ->> 'type', format('%s %s %s', m -> 'wallet_change', m -> 'debt_change', m -> 'unapplied_change'), pg_temp.balances(m)
     from pg_temp.statement(null, null) s, jsonb_array_elements(s.movements) with ordinality e (m) order by e.ordinality $$,
  $$ values ('deposit', '500 0 0', '500/0/0'), ('invoice_issued', '0 800 0', '500/800/0'), ('payment_recorded', '0 0 1000', '500/800/1000'),
            ('payment_allocated', '0 -600 -600', '500/200/400'), ('order_created', '-500 0 0', '0/200/400'),
            ('invoice_issued', '0 500 0', '0/700/400'), ('payment_allocated', '0 -300 -300', '0/400/100'),
            ('allocation_reversed', '0 600 600', '0/1000/700') $$,
  'every transaction that moved something, with the balances after it; the confirmation moved nothing');
select is((select closing ->> 'debt_balance' from pg_temp.statement(null, null)), (select debt_amount::text from account_debt(tests.get_supabase_uid('alice'))),
          'the statement ends with the debt that there is');

-- between any two past moments, and as of each
select results_eq(
  format('select %L, pg_temp.balances(opening), pg_temp.balances(closing), jsonb_array_length(movements) from pg_temp.statement(%L, %L)', v.from_at || v.to_at, v.from_at, v.to_at),
  format('values (%L, %L, %L, %s)', v.from_at || v.to_at, v.opening, v.closing, v.movements), format('%s to %s', v.from_at, v.to_at))
from (values ('a', 'b', '500/0/0', '500/800/1000', 2), ('b', 'c', '500/800/1000', '0/200/400', 2), ('c', 'd', '0/200/400', '0/1000/700', 3),
             ('b', 'b', '500/800/1000', '500/800/1000', 0), ('a', 'd', '500/0/0', '0/1000/700', 7)) v (from_at, to_at, opening, closing, movements);
select results_eq(
  $$ select pg_temp.balances(opening), pg_temp.balances(closing), movements from account_statement(tests.get_supabase_uid('alice'), '2001-01-01', '2001-02-01') $$,
  $$ values ('0/0/0', '0/0/0', '[]'::jsonb) $$, 'before the account was there it had nothing');
select results_eq(
  $$ select pg_temp.balances(opening), pg_temp.balances(closing), movements from account_statement(tests.get_supabase_uid('alice'), 'infinity') $$,
  $$ values ('0/1000/700', '0/1000/700', '[]'::jsonb) $$, 'nothing has moved after all times');

-- a page at a time
create temp table pages (n integer, page account_statement_result);
do $$
declare
  v_page account_statement_result;
  v_next bigint;
begin
  for n in 1 .. 10 loop
    select * into v_page from pg_temp.statement(null, null, 3, v_next);
    insert into pages values (n, v_page);
    v_next := v_page.next_version;
    exit when v_next is null;
  end loop;
end $$;
select is((select array_agg(jsonb_array_length((page).movements) order by n) from pages), array[3, 3, 2], 'pages of three, three and two');
select is((select jsonb_agg(m order by p.n, e.ordinality) from pages p, jsonb_array_elements((p.page).movements) with ordinality e (m)),
          (select movements from pg_temp.statement(null, null)), 'are the whole, balances included');
select is((select count(distinct ((page).opening, (page).closing)) from pages), 1::bigint, 'opening and closing are those of the whole time on each');

-- a wrong question
select is(tests.outcome(v.who, format('account_statement(%L)', tests.get_supabase_uid(v.whom))), v.expected, format('%s asks for %s: %s', v.who, v.whom, v.expected))
from (values ('alice', 'alice', 'success'), ('alice', 'bob', 'customer_not_found'), ('warehouse', 'alice', 'customer_not_found'), ('finance', 'alice', 'success'),
             ('finance', 'nobody', 'account_not_found')) v (who, whom, expected);
select is(tests.outcome('alice', format('account_statement(%s)', v.arguments)), v.expected, format('%s: %s', v.arguments, v.expected))
from (values ('p_currency => ''JPY''', 'account_not_found'), ('p_limit => 0', 'invalid_argument'), ('p_limit => null', 'invalid_argument'), ('p_after_version => -1', 'invalid_argument'),
             ('p_from => ''2026-01-02'', p_to => ''2026-01-01''', 'invalid_argument'), ('p_from => ''-infinity'', p_to => ''infinity''', 'success'),
             ('p_after_version => 9223372036854775807', 'success'), ('p_limit => 2147483647', 'success')) v (arguments, expected);
select is(tests.outcome(null, 'account_statement()'), 'customer_required', 'a backend says whose');

select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
