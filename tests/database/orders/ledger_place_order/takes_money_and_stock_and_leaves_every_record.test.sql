begin;
select plan(13);

select tests.create_variant('mug', stock => 10, price => 1250);
select tests.create_variant('cup', stock => 10, price => 300);
select tests.create_customer('alice', 10000);

select tests.authenticate_as('alice');
select results_eq(
  $$ select success, error_code, status, payment_status, currency, total_amount, wallet_amount, amount_due, available_balance
     from ledger_place_order(tests.lines('mug x 2', 'cup x 3'), p_notes => 'first', p_metadata => '{"gift": true}') $$,
  $$ values (true, null, 'pending', 'paid', 'USD', 3400::bigint, 3400::bigint, 0::bigint, 6600::bigint) $$,
  'an order of 2 x 1250 and 3 x 300 is pending, paid by the wallet, and leaves 6600 of 10000');
select tests.act_as_owner();

select is(tests.orders_and_available('alice'), '3400/6600', 'total_orders rises by the price (source 003)');
select is(array[tests.stock('mug'), tests.stock('cup')], array[8, 7]::bigint[], 'the stock of each variant falls by its quantity (source 003)');

select results_eq(
  $$ select i.line_number, i.product_sku, i.quantity, i.unit_price_amount, i.total_price_amount
     from order_items i where i.order_id = tests.order_id('first') order by 1 $$,
  $$ values (1, 'mug', 2::bigint, 1250::bigint, 2500::bigint), (2, 'cup', 3, 300, 900) $$,
  'the order has a line for each item, in the order given');
select results_eq(
  $$ select o.metadata, o.placed_by, o.user_id from tests.order_named('first') o $$,
  $$ values ('{"gift": true}'::jsonb, tests.get_supabase_uid('alice'), tests.get_supabase_uid('alice')) $$,
  'the order keeps its metadata and who placed it');

select results_eq(
  $$ select t.type, t.amount, t.balance_after, t.account_version, t.actor_id
     from transactions t where t.order_id = tests.order_id('first') $$,
  $$ values ('order_created', -3400::bigint, 6600::bigint, 2::bigint, tests.get_supabase_uid('alice')) $$,
  'there is one transaction, order_created, of minus the price (source 003)');
select results_eq(
  $$ select p.debit_account, p.credit_account, p.amount, p.currency
     from postings p join transactions t on t.id = p.transaction_id where t.order_id = tests.order_id('first') $$,
  $$ values ('wallet', 'order_escrow', 3400::bigint, 'USD') $$,
  'the price moves from the wallet into escrow (DESIGN section 4, rule 6)');
select results_eq(
  $$ select m.quantity, m.on_hand_after, m.reason, m.actor_id
     from stock_movements m where m.order_id = tests.order_id('first') order by m.quantity $$,
  $$ values (-3::bigint, 7::bigint, 'order_placed', tests.get_supabase_uid('alice')), (-2, 8, 'order_placed', tests.get_supabase_uid('alice')) $$,
  'each variant has a stock movement with its reason');
select results_eq(
  $$ select e.event_type, e.actor_id, e.payload -> 'effect', e.payload ->> 'to_status', (e.payload ->> 'total_amount')::bigint,
            jsonb_array_length(e.payload -> 'items')
     from immutable_events e where e.stream_type = 'order' and e.stream_id = tests.order_id('first') $$,
  $$ values ('order.placed', tests.get_supabase_uid('alice'), '{"total_orders": 3400}'::jsonb, 'pending', 3400::bigint, 2) $$,
  'there is one immutable event that says what changed (source 003)');
select results_eq(
  $$ select a.action, a.actor_id, a.actor_role from audit_log a where a.target_id = tests.order_id('first')::text $$,
  $$ values ('order.placed', tests.get_supabase_uid('alice'), 'authenticated') $$,
  'there is one audit line that says who did it (source 003)');
select results_eq(
  $$ select m ->> 'order_number', m ->> 'payment_method'
     from tests.messages('order.placed', jsonb_build_object('stream_id', tests.order_id('first'))) m $$,
  $$ select o.order_number, 'wallet' from tests.order_named('first') o $$,
  'there is one outbox message (DESIGN section 9)');
select is(
  (select count(distinct c.correlation_id) from (
    select t.correlation_id from transactions t where t.order_id = tests.order_id('first')
    union all select e.correlation_id from immutable_events e where e.stream_id = tests.order_id('first')
    union all select a.correlation_id from audit_log a where a.target_id = tests.order_id('first')::text) c),
  1::bigint, 'transaction, event and audit line share one correlation id');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
