begin;
select plan(12);

select tests.create_variant('mug', stock => 0);
select tests.create_staff('warehouse', 'warehouse');

select tests.authenticate_as('warehouse');
select results_eq(
  $$ select success, variant_id, stock_quantity from ledger_adjust_stock(tests.get_variant_id('mug'), 10, p_notes => 'pallet 4', p_idempotency_key => 'k1') $$,
  $$ values (true, tests.get_variant_id('mug'), 10::bigint) $$, 'units that are received are added');
select is(
  (select stock_quantity from ledger_adjust_stock(tests.get_variant_id('mug'), 10, p_notes => 'pallet 4', p_idempotency_key => 'k1')), 10::bigint,
  'the same key adds nothing twice');
select is(
  (select error_code from ledger_adjust_stock(tests.get_variant_id('mug'), 11, p_notes => 'pallet 4', p_idempotency_key => 'k1')), 'idempotency_conflict',
  'the same key with another quantity is refused');
select is((select stock_quantity from ledger_adjust_stock(tests.get_variant_id('mug'), -2, 'damaged')), 8::bigint, 'damaged units are taken away');
select is((select stock_quantity from ledger_adjust_stock(tests.get_variant_id('mug'), 1, 'counted')), 9::bigint, 'a count may find more');
select is((select stock_quantity from ledger_adjust_stock(tests.get_variant_id('mug'), -3, 'counted')), 6::bigint, 'or less');
select tests.act_as_owner();

select results_eq(
  $$ select m.slot_version, m.quantity, m.on_hand_after, m.reason, m.notes, m.actor_id, m.order_id
     from stock_movements m where m.variant_id = tests.get_variant_id('mug') order by 1 $$,
  $$ values (1::bigint, 10::bigint, 10::bigint, 'received', 'pallet 4', tests.get_supabase_uid('warehouse'), null::uuid),
            (2, -2, 8, 'damaged', null, tests.get_supabase_uid('warehouse'), null), (3, 1, 9, 'counted', null, tests.get_supabase_uid('warehouse'), null),
            (4, -3, 6, 'counted', null, tests.get_supabase_uid('warehouse'), null) $$,
  'each change is a movement with its reason, in order (DESIGN section 6)');
select results_eq(
  $$ select e.event_type, (e.payload ->> 'quantity')::int, (e.payload ->> 'on_hand_after')::int, e.account_id
     from immutable_events e where e.stream_type = 'variant' and e.stream_id = tests.get_variant_id('mug') order by e.id limit 2 $$,
  $$ values ('stock.adjusted', 10, 10, null::uuid), ('stock.adjusted', -2, 8, null) $$, 'and an event of the shop''s own');
select is(
  (select count(*) from tests.messages('stock.low', '{"sku": "mug"}')), 0::bigint, 'above the threshold of 5 nobody is alerted');
select is((select stock_quantity from ledger_adjust_stock(tests.get_variant_id('mug'), -1, 'damaged')), 5::bigint, 'one more is damaged');
select is(
  (select count(*) from tests.messages('stock.low', '{"sku": "mug"}')), 1::bigint, 'an adjustment that reaches the threshold queues an alert (source 004)');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
