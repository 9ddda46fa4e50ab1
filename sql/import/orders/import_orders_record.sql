/* The books and the history of imported orders, each entry at the time of its order. */

create type ledger.imported_step as (
  account_id uuid,
  account_version bigint,
  transaction_id uuid,
  order_id uuid,
  payment_id uuid,
  type text
);
comment on type ledger.imported_step is 'A transaction of an imported order before it is written.';

/*
 * The transactions that an order would have left: placed, paid, brought to its status. None moves the
 * wallet. Their accounts are locked; versions go on where they are, by the time of the orders.
 */
create function ledger.write_imported_transactions(p_orders public.orders[], p_actor ledger.actor)
returns ledger.imported_step[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_steps ledger.imported_step[];
begin
  select array_agg(row(o.account_id, a.version + s.place, ledger.imported_id(o.created_at), o.id, s.payment_id, s.type)::ledger.imported_step
                   order by o.account_id, s.place)
  into v_steps
  from (
    select o.id, p.id as payment_id, t.type, row_number() over (partition by o.account_id order by o.created_at, o.id, t.step) as place
    from unnest(p_orders) o
    left join public.payments p on p.account_id = o.account_id and p.order_id = o.id
    cross join lateral (values (1, 'order_created', true), (2, 'payment_imported', p.id is not null),
                               (3, 'order_status_changed', o.status <> 'pending')) t (step, type, applies)
    where t.applies) s
  join unnest(p_orders) o on o.id = s.id
  join public.accounts a on a.id = o.account_id;

  insert into public.transactions
    (id, account_id, account_version, type, amount, balance_after, order_id, reference_id, actor_id, actor_action, metadata, correlation_id, created_at)
  select s.transaction_id, s.account_id, s.account_version, s.type, 0, a.available_balance, s.order_id,
         case s.type when 'payment_imported' then s.payment_id end, p_actor.user_id, 'imported',
         jsonb_build_object('imported', true, 'order_number', o.order_number), gen_random_uuid(), o.created_at
  from unnest(v_steps) s
  join unnest(p_orders) o on o.id = s.order_id
  join public.accounts a on a.id = s.account_id;
  update public.accounts a set version = s.version, updated_at = clock_timestamp()
  from (select n.account_id, max(n.account_version) as version from unnest(v_steps) n group by n.account_id) s
  where a.id = s.account_id;
  return v_steps;
end $$;
comment on function ledger.write_imported_transactions(public.orders[], ledger.actor) is
  'Writes the transactions of written orders of an import and counts their accounts'' versions; answers them.';

/* Transactions, postings and events of written orders; an imported order has no message of its own. */
create function ledger.record_imported_orders(p_orders public.orders[], p_take_from_stock boolean, p_actor ledger.actor)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_steps ledger.imported_step[] := ledger.write_imported_transactions(p_orders, p_actor);
begin
  -- a payment goes into escrow, and a delivery takes it out as for any order
  insert into public.postings (account_id, transaction_id, leg_number, debit_account, credit_account, amount, currency, created_at)
  select s.account_id, s.transaction_id, l.ordinality, l.debit_account, l.credit_account, l.amount, o.currency, o.created_at
  from unnest(v_steps) s
  join unnest(p_orders) d on d.id = s.order_id
  join public.orders o on o.account_id = d.account_id and o.id = d.id
  cross join lateral unnest(case
    when s.type = 'payment_imported' then array[row('bank', 'order_escrow', o.paid_amount)]::ledger.posting_leg[]
    when s.type = 'order_status_changed' and o.status = 'delivered' then ledger.delivery_legs(o.outstanding_amount, ledger.whole_order(o)) end) with ordinality l
  where l.amount <> 0;

  insert into public.immutable_events (id, occurred_at, event_type, stream_type, stream_id, account_id, payload, actor_id, correlation_id)
  select nextval('ledger.event_id_seq'), e.at, e.event_type, 'order', e.order_id, e.account_id, e.payload, p_actor.user_id, e.correlation_id
  from (
    select o.created_at as at, o.id as order_id, o.account_id, t.correlation_id, t.account_version,
           case s.type when 'order_created' then 'order.placed' when 'payment_imported' then 'payment.imported' else 'order.status_changed' end as event_type,
           ledger.balance_effect(t) || jsonb_build_object('imported', true, 'recorded_at', clock_timestamp(), 'order_number', o.order_number,
             'user_id', o.user_id, 'currency', o.currency) || case s.type
             when 'order_created' then jsonb_build_object('from_status', null, 'to_status', 'pending',
               'payment_status', ledger.payment_status_of(o.total_amount, 0, 0, 0), 'payment_method', o.payment_method,
               'total_amount', o.total_amount, 'wallet_amount', 0, 'stock', case when p_take_from_stock then 'taken' else 'kept' end,
               'items', (select jsonb_agg(jsonb_build_object('variant_id', i.variant_id, 'quantity', i.quantity) order by i.line_number)
                         from public.order_items i where i.account_id = o.account_id and i.order_id = o.id))
             when 'payment_imported' then jsonb_build_object('payment_id', s.payment_id, 'payment_amount', o.paid_amount, 'applied_amount', o.paid_amount,
                                                         'payment_status', o.payment_status)
             else jsonb_build_object('from_status', 'pending', 'to_status', o.status, 'payment_status', o.payment_status) end as payload
    from unnest(v_steps) s
    join unnest(p_orders) d on d.id = s.order_id
    join public.orders o on o.account_id = d.account_id and o.id = d.id
    join public.transactions t on t.id = s.transaction_id
    order by o.account_id, t.account_version) e;
end $$;
comment on function ledger.record_imported_orders(public.orders[], boolean, ledger.actor) is
  'Writes the transactions, postings and events of written orders of an import, with the time of the order and "imported": true; "stock" says whether their goods were taken from the stock.';
