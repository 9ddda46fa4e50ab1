-- Receipts of transfers for the tests. Needs the shop of 000-shop.sql and 000-shop_orders.sql and, like them, stays when the file is done.

/* The customer signs in and sends a receipt for the order of this name (null: on account), known by its reference; answers its id. */
create or replace function tests.submit_receipt(customer text, order_name text, amount bigint, reference text) returns uuid
language plpgsql set search_path = '' as $$
declare
  v_order_id uuid := case when order_name is not null then tests.order_id(order_name) end;
  v_answer public.ledger_submit_receipt_result;
begin
  perform tests.authenticate_as(customer);
  select s.* into v_answer from public.ledger_submit_receipt(v_order_id, submit_receipt.amount, submit_receipt.reference) s;
  perform tests.act_as_owner();
  return (tests.expect_success(v_answer)).receipt_id;
end $$;

/* The receipt that was last sent with this reference, whoever asks. */
create or replace function tests.receipt(reference text) returns setof public.payment_receipts
language sql volatile security definer set search_path = '' as $$
  select r.* from public.payment_receipts r where r.reference = receipt.reference order by r.id desc limit 1;
$$;

/* Volatile, or the planner would ask for a receipt before the step that sends it. */
create or replace function tests.receipt_id(reference text) returns uuid
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_id uuid := (select r.id from tests.receipt(receipt_id.reference) r);
begin
  if v_id is null then
    raise exception 'there is no receipt with the reference %', reference;
  end if;
  return v_id;
end $$;

/*
 * Adds to tests.open_shop what needs receipts, all on account: ann's Q-1 of 5.00 under review, and Q-2, handed back;
 * carol's Q-3, approved; bob's Q-4 under review.
 */
create or replace function tests.open_review() returns void
language plpgsql set search_path = '' as $$
begin
  perform tests.submit_receipt('ann', null, 500, 'Q-1'), tests.submit_receipt('ann', null, 20, 'Q-2'),
          tests.submit_receipt('carol', null, 30, 'Q-3'), tests.submit_receipt('bob', null, 40, 'Q-4');
  perform tests.expect_success(r) from public.ledger_review_receipt(tests.receipt_id('Q-2'), 'hand_back', p_notes => 'unreadable') r;
  perform tests.expect_success(r) from public.ledger_review_receipt(tests.receipt_id('Q-3'), 'approve') r;
end $$;

begin;
select plan(1);
select has_function('tests', 'submit_receipt', 'the helpers for receipts are in place');
select * from finish();
rollback;
