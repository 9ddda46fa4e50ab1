-- Events from before they said all that stock and orders need make what follows from them null, not wrong.
begin;
select plan(11);
select tests.open_shop();
select tests.open_refunds();
select tests.open_returns();
create temp table ids as
  select (select f.order_id from public.refunds f join public.immutable_events e on e.event_type = 'refund.paid' and e.payload ->> 'refund_id' = f.id::text limit 1) as paid_out,
         (select e.stream_id from public.immutable_events e where e.event_type = 'order.refunded' and e.payload #>> '{lines,0,restocked_quantity}' <> '0' limit 1) as restocked;
select isnt((select restocked from ids), null, 'goods came back by a refund');

-- lines of refunds without their variant
select tests.tamper($$ update public.immutable_events set payload = jsonb_set(payload, '{lines}', (select jsonb_agg(l - 'variant_id') from jsonb_array_elements(payload -> 'lines') l))
                       where event_type in ('order.refunded', 'order.status_changed') and payload ? 'refund_id' and jsonb_array_length(payload -> 'lines') > 0 $$);
select is((select count(*)::integer from ledger.replayed_stock() s where s.on_hand is not null), 0, 'the stock of no variant is told');
select is((select max(s.exact_after_event_id) from ledger.replayed_stock() s),
          (select max(e.id) from public.immutable_events e, jsonb_array_elements(e.payload -> 'lines') l where e.event_type in ('order.refunded', 'order.status_changed') and l ->> 'restocked_quantity' <> '0'),
          'and which event was the last that did not say it');
select ok((select r.success and r.differences = 0 and r.not_recorded > 0 from public.integrity_replay(p_all => true) r), 'that is no difference');
select is((select string_agg(distinct coalesce(f ->> 'is_equal', 'null'), ', ') from public.integrity_replay(p_all => true) r, jsonb_array_elements(r.rows) f), 'null', 'nor equal');
select is((select count(*)::integer from ledger.findings('{stock_replays_from_events}') f where f.check_code is not null), 0, 'and the check finds nothing');
select isnt((select f -> 'stored' from public.integrity_replay(p_variant_id => tests.get_variant_id('MUG')) r, jsonb_array_elements(r.rows) f where f ->> 'what' = 'stock_quantity'), null, 'what is stored is told');

-- imported orders that did not say whether their goods were taken
savepoint imported;
select tests.tamper($$ update public.immutable_events set payload = payload || '{"imported": true}' where event_type = 'order.placed' and stream_id = (select id from public.orders where user_id = tests.get_supabase_uid('bob') limit 1) $$);
select ok((select s.on_hand is null from ledger.replayed_stock(array[tests.get_variant_id('MUG')]) s), 'an imported order that does not say what became of its goods');
rollback to savepoint imported;

-- a payout settled without its effect on the order
insert into pg_temp.ids select null, null where false;
select tests.tamper($$ update public.immutable_events set payload = payload - 'refunded_change' where event_type like 'refund.%' $$);
select is((select count(*)::integer from ledger.replayed_orders() o where (o.exact_after_event_id is null) <> (o.refunded_amount is not null)), 0, 'what was refunded is a number or not recorded');
select is((select array_agg(o.order_id order by o.order_id) from ledger.replayed_orders() o where o.exact_after_event_id is not null),
          (select array_agg(distinct e.stream_id order by e.stream_id) from public.immutable_events e where e.event_type in ('refund.paid', 'refund.failed', 'refund.withdrawn')), 'of the orders with such events only');
select is((select count(*)::integer from ledger.findings('{order_replays_from_events}') f where f.check_code is not null), 0, 'and the check finds nothing');
select * from finish();
rollback;
