begin;
select plan(27);

select tests.create_customer('alice');
select tests.create_customer('bob', 100);
select tests.create_customer('nobody');
select tests.create_staff(r.role, r.role) from unnest(array['admin', 'finance', 'warehouse', 'logistics', 'vendor']) r (role);
select tests.invoice_customer('rent', 'alice', 'rent x 1 at 800');
select tests.receive('big', 'alice', 1000);
select tests.expect_success(a) from tests.allocate('big', 'rent 300') a;

create function pg_temp.debt(p_customer text) returns text language sql as $$
  select coalesce(d.error_code, format('%s = %s - %s, %s unapplied, cached %s', d.debt_amount, d.invoiced_amount, d.allocated_amount, d.unapplied_amount, d.is_cached))
  from account_debt(tests.get_supabase_uid(p_customer)) d;
$$;
create function pg_temp.read_switch(p_state text, p_percentage smallint default 0) returns void language sql as $$
  select set_config('ledger.procedure', 'test', true);
  update feature_flags set state = p_state, percentage = p_percentage where key = 'allocation_read_switch';
  select set_config('ledger.procedure', '', true);
$$;
-- three runs without a difference let the switch be widened
select ledger.check_debt_drift() from generate_series(1, 3);
select pg_temp.read_switch('off');
select is(pg_temp.debt('alice'), '500 = 800 - 300, 700 unapplied, cached f', 'off: the debt is added up');
select pg_temp.read_switch('full');
select is(pg_temp.debt('alice'), '500 = 800 - 300, 700 unapplied, cached t', 'full: it is read');
select is(pg_temp.debt('bob'), '0 = 0 - 0, 0 unapplied, cached t', 'who never had an invoice owes nothing');

-- the share of a canary
create temp table accounts_seen as select ledger.account_id(gen_random_uuid(), 'USD') as id from generate_series(1, 4000);
create temp table reads (percentage integer, id uuid);
create function pg_temp.look(p_percentage smallint) returns void language sql as $$
  select pg_temp.read_switch('canary', p_percentage);
  insert into reads select p_percentage, a.id from accounts_seen a where ledger.reads_debt_from_cache(a.id);
$$;
select pg_temp.look(5::smallint), pg_temp.look(25::smallint), pg_temp.look(80::smallint);
select ok(abs(count(*) - 40 * r.percentage) < 150, format('canary of %s %% takes about that many: %s of 4000', r.percentage, count(*)))
from reads r group by r.percentage;
select is((select count(*) from reads a where a.percentage = 5 and not exists (select from reads b where b.percentage = 25 and b.id = a.id)), 0::bigint,
          'who is in stays in when the share grows');
select pg_temp.read_switch('canary', 25::smallint);
select is((select count(*) from accounts_seen a where ledger.reads_debt_from_cache(a.id)), (select count(*) from reads where percentage = 25),
          'the same accounts every time');

-- the cache is wrong by hand, with the mark set: each way of reading shows its own
select set_config('ledger.procedure', 'test', true);
update account_debt_cache set invoiced_amount = 900 where account_id = ledger.account_id(tests.get_supabase_uid('alice'), 'USD');
select set_config('ledger.procedure', '', true);
select pg_temp.read_switch('full');
select is(pg_temp.debt('alice'), '600 = 900 - 300, 700 unapplied, cached t', 'the cache is what is read');
select pg_temp.read_switch('off');
select is(pg_temp.debt('alice'), '500 = 800 - 300, 700 unapplied, cached f', 'and not when it is off');
select results_eq(
  $$ select differences, a -> 'cached' ->> 'debt_amount', a -> 'recomputed' ->> 'debt_amount', a -> 'replayed' ->> 'debt_amount', a -> 'differs'
     from account_debt_compare(tests.get_supabase_uid('alice')) c, jsonb_array_elements(c.accounts) a $$,
  $$ values (1::bigint, '600', '500', '500', 'true'::jsonb) $$, 'the comparison shows all three, and that they differ');
select results_eq(
  $$ select success, difference_count, repaired_accounts from invoice_recalculate(ledger.account_id(tests.get_supabase_uid('alice'), 'USD'), true) $$,
  $$ values (true, 1::bigint, 1::bigint) $$, 'a recalculation mends it');
select results_eq(
  $$ select differences, a -> 'cached' from account_debt_compare(tests.get_supabase_uid('alice')) c, jsonb_array_elements(c.accounts) a $$,
  $$ values (0::bigint, '{"debt_amount": 500, "invoiced_amount": 800, "allocated_amount": 300, "unapplied_amount": 700}'::jsonb) $$, 'and then all agree');

-- a wrong question is refused and reads as no debt to nobody
select is(tests.outcome(v.who, format('%s(%L)', v.procedure, case when v.whom is null then v.id else tests.get_supabase_uid(v.whom) end)), v.expected,
          format('%s asks %s of %s: %s', v.who, v.procedure, coalesce(v.whom, v.id::text), v.expected))
from (values
  ('account_debt', 'alice', 'alice', null::uuid, 'success'), ('account_debt', 'alice', 'bob', null, 'customer_not_found'),
  ('account_debt', 'warehouse', 'alice', null, 'customer_not_found'), ('account_debt', 'finance', 'alice', null, 'success'),
  ('account_debt', 'finance', null, '00000000-0000-0000-0000-000000000001', 'customer_not_found'),
  ('account_debt', 'finance', 'nobody', null, 'account_not_found'), ('account_debt', 'nobody', 'nobody', null, 'account_not_found'),
  ('account_debt_compare', 'alice', 'alice', null, 'success'), ('account_debt_compare', 'alice', 'bob', null, 'customer_not_found'),
  ('account_debt_compare', 'finance', 'alice', null, 'success'), ('account_debt_compare', 'finance', 'nobody', null, 'customer_not_found'))
  v (procedure, who, whom, id, expected);
select is(tests.outcome(null, 'account_debt()'), 'customer_required', 'a backend says whose');
select is(tests.outcome('alice', 'account_debt(p_currency => ''JPY'')'), 'account_not_found', 'there is no debt in a currency without an account');

select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
