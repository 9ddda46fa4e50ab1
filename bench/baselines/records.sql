/*
 * The records of an operation by themselves: what placing an order, a credit and a plain status change
 * write, each as one flat function that reads nothing, checks nothing and refuses nothing. No procedure
 * that leaves these records can be faster.
 *
 * Each is there twice, from the same text: over the shop's own tables, with their guards, keys, rules
 * and indexes, and (`_bare`) over copies of them that have nothing but a primary key and their generated columns.
 */
create schema bench_bare;

create procedure bench.copy_tables()
language plpgsql
as $$
declare
  v_table record;
begin
  for v_table in
    select * from (values
      ('public.accounts'::regclass, 'id'), ('public.stock_levels', 'variant_id, slot'), ('public.orders', 'id'),
      ('public.order_items', 'order_id, line_number'), ('public.stock_movements', 'variant_id, slot, slot_version'),
      ('public.transactions', 'id'), ('public.postings', 'transaction_id, leg_number'), ('public.immutable_events', 'id'),
      ('public.audit_log', 'id'), ('ledger.outbox', 'id')) t (shops, key)
  loop
    execute format('create table bench_bare.%I (like %s including defaults including generated, primary key (%s)) with (fillfactor = %s)',
      (select c.relname from pg_class c where c.oid = v_table.shops), v_table.shops, v_table.key,
      case when v_table.shops in ('public.accounts'::regclass, 'public.stock_levels') then 50 else 100 end);
  end loop;
  insert into bench_bare.accounts (id, user_id, currency, total_earned, total_orders, version)
  select a.id, a.user_id, a.currency, a.total_earned, a.total_orders, a.version from public.accounts a;
  insert into bench_bare.stock_levels select s.* from public.stock_levels s;
end $$;
call bench.copy_tables();

do $make$
declare
  v_bodies constant jsonb := jsonb_build_object(
    'place_records(p_user_id uuid, p_account_id uuid, p_variant_ids uuid[], p_prices bigint[])', $body$
declare
  v_phase text := set_config('ledger.procedure', 'bench', true);
  v_total bigint := (select sum(p) from unnest(p_prices) p);
  v_correlation_id uuid := gen_random_uuid();
  v_event_id bigint := nextval('ledger.event_id_seq');
  v_account_version bigint;
  v_available bigint;
  v_order_id uuid;
  v_order_number text;
  v_transaction_id uuid;
  v_now timestamptz;
begin
  update accounts a set total_orders = a.total_orders + v_total, version = a.version + 1, updated_at = clock_timestamp()
  where a.id = p_account_id
  returning a.version, a.available_balance into v_account_version, v_available;
  perform from stock_levels s where s.variant_id = any (p_variant_ids) and s.slot = 0 order by s.variant_id for no key update;

  insert into orders as o
    (account_id, user_id, order_number, currency, status, payment_status, payment_method, prices_include_tax,
     subtotal_amount, discount_amount, shipping_amount, tax_amount, total_amount, wallet_amount, paid_amount)
  values
    (p_account_id, p_user_id, 'ORD' || lpad(nextval('ledger.order_number_seq')::text, 8, '0'), 'USD', 'pending', 'paid', 'wallet', false,
     v_total, 0, 0, 0, v_total, v_total, v_total)
  returning o.id, o.order_number into v_order_id, v_order_number;
  insert into order_items
    (account_id, order_id, line_number, variant_id, product_name, product_sku, variant_name, quantity,
     unit_price_amount, total_price_amount, discount_amount, tax_rate_bp, tax_amount)
  select p_account_id, v_order_id, l.line_number, l.variant_id, 'Product', 'SKU', 'Size', 1, l.price, l.price, 0, 0, 0
  from unnest(p_variant_ids, p_prices) with ordinality l (variant_id, price, line_number);

  with moved as (
    update stock_levels s set on_hand = s.on_hand - 1, version = s.version + 1
    where s.variant_id = any (p_variant_ids) and s.slot = 0
    returning s.variant_id, s.version, s.on_hand)
  insert into stock_movements (variant_id, slot_version, quantity, on_hand_after, reason, order_id)
  select m.variant_id, m.version, -1, m.on_hand, 'order_placed', v_order_id from moved m;

  insert into transactions as t
    (account_id, account_version, type, amount, balance_after, order_id, actor_action, metadata, correlation_id)
  values
    (p_account_id, v_account_version, 'order_created', -v_total, v_available, v_order_id, 'order placed',
     jsonb_build_object('order_number', v_order_number), v_correlation_id)
  returning t.id into v_transaction_id;
  insert into postings (account_id, transaction_id, leg_number, debit_account, credit_account, amount, currency)
  values (p_account_id, v_transaction_id, 1, 'wallet', 'order_escrow', v_total, 'USD');
  insert into immutable_events as e (id, event_type, stream_type, stream_id, account_id, payload, correlation_id)
  values (v_event_id, 'order.placed', 'order', v_order_id, p_account_id, jsonb_build_object(
    'order_number', v_order_number, 'user_id', p_user_id, 'currency', 'USD', 'from_status', null, 'to_status', 'pending',
    'payment_status', 'paid', 'payment_method', 'wallet', 'total_amount', v_total, 'wallet_amount', v_total,
    'items', (select jsonb_agg(jsonb_build_object('variant_id', l.variant_id, 'quantity', 1, 'unit_price_amount', l.price))
              from unnest(p_variant_ids, p_prices) l (variant_id, price)),
    'transaction_id', v_transaction_id, 'transaction_type', 'order_created', 'account_version', v_account_version,
    'amount', -v_total, 'effect', jsonb_build_object('total_orders', v_total)), v_correlation_id)
  returning e.occurred_at into v_now;
  insert into audit_log (occurred_at, action, target_type, target_id, account_id, actor_role, correlation_id)
  values (v_now, 'order.placed', 'order', v_order_id::text, p_account_id, 'postgres', v_correlation_id);
  insert into outbox (account_id, type, event_id, created_at, next_retry_at)
  values (p_account_id, 'order.placed', v_event_id, v_now, v_now);

  v_phase := set_config('ledger.procedure', '', true);
  return v_order_id;
end $body$,
    'credit_records(p_account_id uuid, p_amount bigint)', $body$
declare
  v_phase text := set_config('ledger.procedure', 'bench', true);
  v_correlation_id uuid := gen_random_uuid();
  v_event_id bigint := nextval('ledger.event_id_seq');
  v_account_version bigint;
  v_available bigint;
  v_transaction_id uuid;
  v_now timestamptz;
begin
  update accounts a set total_earned = a.total_earned + p_amount, version = a.version + 1, updated_at = clock_timestamp()
  where a.id = p_account_id
  returning a.version, a.available_balance into v_account_version, v_available;
  insert into transactions as t (account_id, account_version, type, amount, balance_after, actor_action, correlation_id)
  values (p_account_id, v_account_version, 'deposit', p_amount, v_available, 'deposit', v_correlation_id)
  returning t.id into v_transaction_id;
  insert into postings (account_id, transaction_id, leg_number, debit_account, credit_account, amount, currency)
  values (p_account_id, v_transaction_id, 1, 'bank', 'wallet', p_amount, 'USD');
  insert into immutable_events as e (id, event_type, stream_type, stream_id, account_id, payload, correlation_id)
  values (v_event_id, 'account.credited', 'account', p_account_id, p_account_id, jsonb_build_object(
    'type', 'deposit', 'currency', 'USD', 'transaction_id', v_transaction_id, 'transaction_type', 'deposit',
    'account_version', v_account_version, 'amount', p_amount, 'effect', jsonb_build_object('total_earned', p_amount)), v_correlation_id)
  returning e.occurred_at into v_now;
  insert into audit_log (occurred_at, action, target_type, target_id, account_id, actor_role, correlation_id)
  values (v_now, 'account.credited', 'account', p_account_id::text, p_account_id, 'postgres', v_correlation_id);
  insert into outbox (account_id, type, event_id, created_at, next_retry_at)
  values (p_account_id, 'account.credited', v_event_id, v_now, v_now);

  v_phase := set_config('ledger.procedure', '', true);
  return v_transaction_id;
end $body$,
    'processing_records(p_order_id uuid, p_account_id uuid, p_user_id uuid)', $body$
declare
  v_phase text := set_config('ledger.procedure', 'bench', true);
  v_correlation_id uuid := gen_random_uuid();
  v_event_id bigint := nextval('ledger.event_id_seq');
  v_order_number text;
  v_account_version bigint;
  v_available bigint;
  v_transaction_id uuid;
  v_now timestamptz;
begin
  update orders o set status = 'processing', version = o.version + 1, updated_at = clock_timestamp()
  where o.id = p_order_id
  returning o.order_number into v_order_number;
  update accounts a set version = a.version + 1, updated_at = clock_timestamp()
  where a.id = p_account_id
  returning a.version, a.available_balance into v_account_version, v_available;
  insert into transactions as t (account_id, account_version, type, amount, balance_after, order_id, actor_action, correlation_id)
  values (p_account_id, v_account_version, 'order_status_changed', 0, v_available, p_order_id, 'order to processing', v_correlation_id)
  returning t.id into v_transaction_id;
  insert into immutable_events as e (id, event_type, stream_type, stream_id, account_id, payload, correlation_id)
  values (v_event_id, 'order.status_changed', 'order', p_order_id, p_account_id, jsonb_build_object(
    'order_number', v_order_number, 'user_id', p_user_id, 'currency', 'USD', 'from_status', 'pending', 'to_status', 'processing',
    'payment_status', 'paid', 'transaction_id', v_transaction_id, 'transaction_type', 'order_status_changed',
    'account_version', v_account_version, 'amount', 0, 'effect', '{}'::jsonb), v_correlation_id)
  returning e.occurred_at into v_now;
  insert into audit_log (occurred_at, action, target_type, target_id, account_id, actor_role, correlation_id)
  values (v_now, 'order.status_changed', 'order', p_order_id::text, p_account_id, 'postgres', v_correlation_id);
  insert into outbox (account_id, type, event_id, created_at, next_retry_at)
  values (p_account_id, 'order.status_changed', v_event_id, v_now, v_now);

  v_phase := set_config('ledger.procedure', '', true);
  return v_transaction_id;
end $body$);
  v_function record;
begin
  for v_function in
    select split_part(b.key, '(', 1) as name, split_part(b.key, '(', 2) as arguments, b.value as body, s.suffix, s.path
    from jsonb_each_text(v_bodies) b,
         (values ('', 'public, ledger, pg_catalog, pg_temp'), ('_bare', 'bench_bare, pg_catalog, pg_temp')) s (suffix, path)
  loop
    execute format('create function bench.%I(%s returns uuid language plpgsql set search_path = %s set plan_cache_mode = force_generic_plan as %L',
                   v_function.name || v_function.suffix, v_function.arguments, v_function.path, v_function.body);
  end loop;
end $make$;
