/* How the money of an edit is settled, or why it cannot be. Amounts in minor units. */
create type ledger.edit_money as (
  refusal jsonb,
  taken_amount bigint,
  returned_amount bigint,
  wallet_amount bigint,
  credit_amount bigint,
  payout_amount bigint
);
comment on type ledger.edit_money is
  'taken: from the wallet now; returned: what was paid too much, of it wallet into the wallet it came from, credit from outside into the wallet, payout from outside to be paid out.';

/*
 * What an order with a new total takes and gives back; order and account are locked. An order that the
 * wallet pays takes all of the difference from it; another one what the caller says, the rest is due.
 */
create function ledger.settle_edit(
  p_order public.orders, p_total_amount bigint, p_wallet_amount bigint, p_to text, p_account public.accounts)
returns ledger.edit_money
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_money ledger.edit_money;
  v_due bigint := greatest(p_total_amount - p_order.paid_amount + p_order.refunded_amount, 0);
begin
  v_money.taken_amount := coalesce(p_wallet_amount, case p_order.payment_method when 'wallet' then v_due else 0 end);
  v_money.returned_amount := greatest(p_order.paid_amount - p_order.refunded_amount - p_total_amount, 0);
  select s.wallet_amount, s.credit_amount, s.payout_amount
  into v_money.wallet_amount, v_money.credit_amount, v_money.payout_amount
  from ledger.split_return(p_order, v_money.returned_amount, p_to) s;

  v_money.refusal := case
    when p_order.payment_method = 'wallet' and v_money.taken_amount <> v_due then
      ledger.refuse('invalid_wallet_amount', jsonb_build_object('wallet_amount', p_wallet_amount,
        'expected', format('%s, what the wallet has to pay, or left out', v_due)))
    when v_money.taken_amount not between 0 and v_due then
      ledger.refuse('invalid_wallet_amount', jsonb_build_object('wallet_amount', p_wallet_amount,
        'expected', format('from 0 to %s, what is left to pay', v_due)))
    when p_account.frozen_reason is not null and (v_money.taken_amount > 0 or p_total_amount > p_order.total_amount) then
      ledger.refuse('account_frozen', jsonb_build_object('reason', p_account.frozen_reason))
    when v_money.taken_amount > greatest(p_account.available_balance, 0) then
      ledger.refuse('insufficient_funds', jsonb_build_object('currency', p_order.currency, 'required', v_money.taken_amount,
        'available', p_account.available_balance))
    when greatest(p_order.paid_amount + v_money.taken_amount, p_account.total_earned + v_money.credit_amount) > 9007199254740991 then
      ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
    -- what is owed on invoice keeps to the credit terms, also when it comes by an edit
    when p_order.payment_method = 'invoice' and v_due - v_money.taken_amount > p_order.amount_due then
      ledger.refuse_credit(p_order.account_id, p_order.currency, v_due - v_money.taken_amount, p_order.id)
  end;
  return v_money;
end $$;
comment on function ledger.settle_edit(public.orders, bigint, bigint, text, public.accounts) is
  'What the wallet pays for an order''s new total, or what goes back of what was paid, or the refusal.';

/* How far the order will be paid, with its new total: in grace, where something is due again and its time is not over. */
create function ledger.payment_status_after_edit(p_order public.orders, p_total_amount bigint, p_money ledger.edit_money)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_paid bigint := p_order.paid_amount + p_money.taken_amount;
  v_refunded bigint := p_order.refunded_amount + p_money.returned_amount;
begin
  return ledger.payment_status_of(p_total_amount, p_order.credited_amount, v_paid, v_refunded,
    case when p_order.amount_due = 0 and v_paid - v_refunded < p_total_amount - p_order.credited_amount and ledger.grace_left(p_order.id)
         then 'in_grace' else ledger.payment_status_kept(p_order) end);
end $$;
comment on function ledger.payment_status_after_edit(public.orders, bigint, ledger.edit_money) is
  'orders.payment_status of an order once it is edited to this total and its money settled.';
