-- Repairs for the tests. Needs the shop of 000-shop.sql and, like it, stays when the file is done.

/* Takes active_reconciliation from off to enforce, by the way that is open: dry, and a run of all checks. */
create or replace function tests.enforce_repairs() returns void
language plpgsql set search_path = '' as $$
begin
  perform tests.expect_success(f) from public.ledger_set_flag('active_reconciliation', 'dry') f;
  perform ledger.run_checks();
  perform tests.expect_success(f) from public.ledger_set_flag('active_reconciliation', 'enforce') f;
end $$;

/* The kinds of repair that are planned after a run of all checks, by name. */
create or replace function tests.plan_repairs() returns text
language plpgsql set search_path = '' as $$
declare
  v_plan public.reconciliation_plan_result;
begin
  perform ledger.run_checks();
  v_plan := tests.expect_success(p) from public.reconciliation_plan() p;
  return (select coalesce(string_agg(distinct p ->> 'repair', ', ' order by p ->> 'repair'), 'nothing') from jsonb_array_elements(v_plan.plans) p);
end $$;

/* Adds to tests.open_shop a repair that was applied (a unit too many of MENDED, which nobody sells), which can be undone; active_reconciliation stays at enforce. */
create or replace function tests.open_repairs() returns void
language plpgsql set search_path = '' as $$
begin
  perform tests.enforce_repairs();
  perform tests.create_variant('MENDED', 1);
  perform tests.tamper('update public.stock_levels set on_hand = on_hand + 1 where variant_id = tests.get_variant_id(''MENDED'')');
  perform tests.plan_repairs();
  perform tests.expect_success(a) from public.reconciliation_apply(false) a;
end $$;

begin;
select plan(1);
select has_function('tests', 'plan_repairs', 'the helpers for repairs are in place');
select * from finish();
rollback;
