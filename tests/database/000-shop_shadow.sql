-- Old flags for the tests. Needs the shop of 000-shop.sql and, like it, stays when the file is done.

/*
 * Adds to tests.open_shop what dual writing leaves: the old flags of an invoice of 3.00 of which a
 * payment of ann's pays 2.00, a flag that could not be written, and a drift run.
 */
create or replace function tests.open_shadow() returns void
language plpgsql set search_path = '' as $$
declare
  v_ann uuid := tests.get_supabase_uid('ann');
  v_invoice_id uuid;
  v_payment_id uuid;
begin
  perform tests.expect_success(f) from public.ledger_set_flag('allocation_dual_write', 'shadow') f;
  v_invoice_id := (tests.expect_success(i)).invoice_id
  from public.ledger_issue_invoice(p_user_id => v_ann, p_lines => '[{"description": "Work", "quantity": 1, "unit_price_amount": 300}]') i;
  v_payment_id := (tests.expect_success(p)).payment_id from public.ledger_record_payment(p_user_id => v_ann, p_amount => 250) p;
  perform tests.expect_success(a)
  from public.ledger_allocate_payment(v_payment_id, jsonb_build_array(jsonb_build_object('invoice_id', v_invoice_id, 'amount', 200))) a;
  create function tests.old_system_is_down() returns trigger language plpgsql as $down$ begin raise exception 'the old system is down'; end $down$;
  create trigger down before update on public.old_payment_flags for each row execute function tests.old_system_is_down();
  perform tests.expect_success(a)
  from public.ledger_allocate_payment(v_payment_id, jsonb_build_array(jsonb_build_object('invoice_id', v_invoice_id, 'amount', 10))) a;
  drop trigger down on public.old_payment_flags;
  drop function tests.old_system_is_down();
  perform ledger.check_debt_drift();
end $$;

begin;
select plan(1);
select has_function('tests', 'open_shadow', 'the helper for old flags is in place');
select * from finish();
rollback;
