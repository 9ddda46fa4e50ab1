/* What settling a withdrawal did. */
create type ledger.withdrawal_change as (
  refusal jsonb,
  transaction_id uuid,
  status text,
  available_balance bigint
);

/*
 * Takes a withdrawal from one status to the next: account lock first, then compare-and-set on the
 * status, so of two reviewers (or a reviewer and the customer) one wins and the other is told.
 */
create function ledger.settle_withdrawal(
  p_withdrawal_id uuid, p_user_id uuid, p_from text[], p_to text, p_procedure text, p_actor ledger.actor,
  p_notes text, p_bank_reference text default null)
returns ledger.withdrawal_change
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_change ledger.withdrawal_change;
  v_withdrawal public.withdrawals;
  v_account_id uuid;
  v_frozen_reason text;
  v_returned bigint;
  v_paid bigint;
  v_transaction public.transactions;
  v_correlation_id uuid := ledger.correlation_id();
begin
  -- whose books: the one read by id alone; nothing of it is trusted before the locks
  select w.account_id into v_account_id
  from public.withdrawals w
  where w.id = p_withdrawal_id and (p_user_id is null or w.user_id = p_user_id);

  -- lock: account, withdrawal
  select a.frozen_reason into v_frozen_reason from public.accounts a where a.id = v_account_id for no key update;
  select w.* into v_withdrawal
  from public.withdrawals w
  where w.account_id = v_account_id and w.id = p_withdrawal_id
  for no key update;

  -- check
  v_change.refusal := case
    when v_withdrawal.id is null then ledger.refuse('withdrawal_not_found', jsonb_build_object('withdrawal_id', p_withdrawal_id))
    when length(p_notes) > 2000 or length(p_bank_reference) > 200 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes, p_bank_reference',
        'problem', 'notes have at most 2000 characters, a bank reference at most 200'))
    when v_withdrawal.status <> all (p_from) then ledger.refuse('withdrawal_conflict', jsonb_build_object(
      'status', v_withdrawal.status, 'wanted', p_to, 'expected', array_to_string(p_from, ' or ')))
    when v_frozen_reason is not null and p_to in ('approved', 'paid') then
      ledger.refuse('account_frozen', jsonb_build_object('reason', v_frozen_reason))
  end;
  if v_change.refusal is not null then
    return v_change;
  end if;

  -- write: withdrawal, account, transaction, posting
  perform set_config('ledger.procedure', p_procedure, true);
  update public.withdrawals w set
    status = p_to,
    reviewed_by = case when p_to = 'cancelled' then w.reviewed_by else p_actor.user_id end,
    review_notes = coalesce(p_notes, w.review_notes),
    bank_reference = coalesce(p_bank_reference, w.bank_reference),
    updated_at = clock_timestamp()
  where w.account_id = v_account_id and w.id = p_withdrawal_id;
  v_returned := case when p_to in ('rejected', 'cancelled') then v_withdrawal.amount else 0 end;
  v_paid := case when p_to = 'paid' then v_withdrawal.amount else 0 end;
  v_transaction := ledger.write_transaction(
    v_account_id, 'withdrawal_' || p_to, p_actor, coalesce(p_notes, 'withdrawal ' || p_to), v_correlation_id,
    p_withdrawn => v_paid, p_pending_withdrawals => -v_returned - v_paid, p_reference_id => p_withdrawal_id);
  perform ledger.write_postings(v_transaction, v_withdrawal.currency, array[
    row('withdrawals_payable', 'wallet', v_returned), row('withdrawals_payable', 'bank', v_paid)]::ledger.posting_leg[]);

  -- record
  perform ledger.record_operation('withdrawal.' || p_to, 'withdrawal', p_withdrawal_id, v_account_id,
    ledger.balance_effect(v_transaction, p_withdrawn => v_paid, p_pending_withdrawals => -v_returned - v_paid)
      || jsonb_build_object('currency', v_withdrawal.currency, 'status', p_to, 'notes', p_notes, 'bank_reference', p_bank_reference),
    p_actor, v_correlation_id);
  perform set_config('ledger.procedure', '', true);

  v_change.transaction_id := v_transaction.id;
  v_change.status := p_to;
  v_change.available_balance := v_transaction.balance_after;
  return v_change;
end $$;
comment on function ledger.settle_withdrawal(uuid, uuid, text[], text, text, ledger.actor, text, text) is
  'Moves a withdrawal (of this customer, when one is named) from one of the given statuses to another, with its money and records.';
