-- A message about an event points to it; whoever reads messages reads what the event says.
begin;
select plan(8);
select tests.open_shop();
select tests.set_setting('low_stock_threshold', '1000');
select tests.expect_success(s) from ledger_adjust_stock(tests.get_variant_id('MUG'), 2000) s;
select tests.expect_success(s) from ledger_adjust_stock(tests.get_variant_id('MUG'), -2000, 'damaged') s;

select is_empty($$ select o.id from ledger.outbox o where (o.payload is null) = (o.event_id is null) $$, 'a message has words of its own or those of an event');
select bag_eq('select id, type, account_id, status, retry_count, next_retry_at, error_last, created_at from ledger.outbox',
  'select id, type, account_id, status, retry_count, next_retry_at, error_last, created_at from ledger.outbox_messages',
  'the view shows each message once, as the outbox has it');
select is_empty('select id from ledger.outbox_messages where payload is null', 'and each says something');
select bag_eq(
  $$ select m.type, m.account_id, m.payload from ledger.outbox_messages m join ledger.outbox o using (id) where o.event_id is not null $$,
  $$ select e.event_type, e.account_id, e.payload - 'texts_digest' || coalesce(t.texts, '{}') || jsonb_build_object('stream_id', e.stream_id, 'correlation_id', e.correlation_id)
     from immutable_events e left join event_texts t on t.event_id = e.id $$,
  'each event has one message, with its payload, its stream and its correlation id');
select results_eq(
  $$ select m.type, (m.payload ->> 'on_hand')::int, (m.payload ->> 'threshold')::int from ledger.outbox_messages m
     join ledger.outbox o using (id) where o.event_id is null $$,
  $$ select 'stock.low', stock_quantity::int, 1000 from variant_stock where variant_id = tests.get_variant_id('MUG') $$, 'a message that no event says keeps its own payload');
select throws_ok($$ insert into ledger.outbox (type) values ('empty') $$, '23514',
  'new row for relation "outbox" violates check constraint "message_says_something"', 'a message that says nothing is refused');
select is(tests.count_as(who, 'ledger.outbox_messages'), '42501', format('%s reads no message', who))
from unnest('{ann,service_role}'::text[]) who;

select * from finish();
rollback;
