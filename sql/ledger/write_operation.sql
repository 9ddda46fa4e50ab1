/*
 * Everything that an operation on one account leaves beside the change of its totals: transaction,
 * postings, event, audit line and outbox message, as ledger.write_transaction, ledger.write_postings
 * and ledger.record_operation write them, in one walk. The hot procedures call it right after they
 * have updated the account; much of an operation's time goes into code that is entered anew, so this,
 * with one UPDATE as lock, check and write of the account, took a seventh off what a credit costs.
 *
 * p_effect: the differences to the four totals, without zeros; the event keeps them, so that every
 * total can be replayed. Legs of amount 0 are left out. The event's stream is the order, or the
 * account when there is none. p_texts: what people wrote, which stands beside the event; null when
 * nobody wrote anything. Who wrote other records with the operation names its correlation id, and its
 * transaction's where one of them refers to that.
 */
create function ledger.write_operation(
  p_account_id uuid,
  p_account_version bigint,
  p_balance_after bigint,
  p_type text,
  p_amount bigint,
  p_effect jsonb,
  p_actor_id uuid,
  p_actor_action text,
  p_metadata jsonb,
  p_order_id uuid,
  p_currency text,
  p_legs ledger.posting_leg[],
  p_event_type text,
  p_payload jsonb,
  p_texts jsonb,
  p_reference_id uuid default null,
  p_correlation_id uuid default null,
  p_transaction_id uuid default null)
returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_headers jsonb := ledger.request_headers();
  v_correlation_id uuid := coalesce(p_correlation_id, ledger.correlation_id_in(v_headers));
  v_transaction_id uuid := coalesce(p_transaction_id, ledger.uuid_v7());
  v_event_id bigint := nextval('ledger.event_id_seq');
  v_now timestamptz;
begin
  insert into public.transactions
    (id, account_id, account_version, type, amount, balance_after, order_id, reference_id, actor_id, actor_action, metadata, correlation_id)
  values
    (v_transaction_id, p_account_id, p_account_version, p_type, p_amount, p_balance_after, p_order_id, p_reference_id, p_actor_id,
     p_actor_action, coalesce(p_metadata, '{}'), v_correlation_id);

  if p_legs is not null then
    insert into public.postings (account_id, transaction_id, leg_number, debit_account, credit_account, amount, currency)
    select p_account_id, v_transaction_id, l.ordinality, l.debit_account, l.credit_account, l.amount, p_currency
    from unnest(p_legs) with ordinality l
    where l.amount <> 0;
  end if;

  insert into public.immutable_events as e
    (id, event_type, stream_type, stream_id, account_id, payload, actor_id, correlation_id)
  values
    (v_event_id, p_event_type, case when p_order_id is null then 'account' else 'order' end, coalesce(p_order_id, p_account_id), p_account_id,
     p_payload || jsonb_build_object('transaction_id', v_transaction_id, 'transaction_type', p_type,
                                     'account_version', p_account_version, 'amount', p_amount, 'effect', p_effect)
       || case when p_texts is null then '{}'
               else ledger.set_texts_aside(v_event_id, p_account_id, case when p_order_id is null then 'account' else 'order' end, p_texts) end,
     p_actor_id, v_correlation_id)
  returning e.occurred_at into v_now;

  insert into public.audit_log
    (occurred_at, action, target_type, target_id, account_id, actor_id, actor_role, ip_address, user_agent, correlation_id)
  values
    (v_now, p_event_type, case when p_order_id is null then 'account' else 'order' end, coalesce(p_order_id, p_account_id)::text,
     p_account_id, p_actor_id, ledger.role_of_call(),
     ledger.client_address(v_headers), v_headers ->> 'user-agent', v_correlation_id);

  insert into ledger.outbox (account_id, type, event_id, created_at, next_retry_at)
  values (p_account_id, p_event_type, v_event_id, v_now, v_now);
  return v_transaction_id;
end $$;
comment on function ledger.write_operation(uuid, bigint, bigint, text, bigint, jsonb, uuid, text, jsonb, uuid, text, ledger.posting_leg[], text, jsonb, jsonb, uuid, uuid, uuid) is
  'Writes the transaction, postings, event, audit line and outbox message of an operation on an account whose totals the caller has just moved; answers the transaction''s id. Amounts in minor units.';
