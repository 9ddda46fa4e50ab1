-- An upgraded shop raises no false alarm: what the events of before did not say is left out, and nothing else is.
begin;
select plan(18);
select tests.open_shop();
select tests.open_warehouse();
select tests.open_refunds();
select tests.open_cards();
create temp table ids as select tests.get_variant_id('SOFA') as sofa, tests.get_variant_id('MUG') as mug, tests.get_variant_id('HOT') as hot;
create function pg_temp.found() returns text language sql as $$
  select coalesce(string_agg(f.check_code || ' ' || f.subject, ', ' order by f.check_code, f.subject), 'nothing')
  from ledger.findings() f where f.check_code is not null and f.severity <> 'warning' $$;
create function pg_temp.told(p_variant_id uuid) returns bigint language sql as $$ select s.on_hand from ledger.replayed_stock() s where s.variant_id = p_variant_id $$;
select is(pg_temp.told(sofa), 0::bigint, 'what waits is in the events') from ids;

-- an order from before its event said what it waits for
savepoint waiting;
select tests.tamper($$ update public.immutable_events set payload = payload - 'backordered' where event_type = 'order.placed' $$);
select is(pg_temp.told(sofa), null::bigint, 'without that the stock of what waited is not told') from ids;
select is(pg_temp.told(hot), 8::bigint, 'that of other goods is') from ids;
select is((select s.on_hand from ledger.replayed_stock(array[sofa]) s), null::bigint, 'the same of one variant') from ids;
select is(pg_temp.found(), 'nothing', 'and nothing is found');
select tests.expect_success(s) from ids, public.ledger_adjust_stock(ids.sofa, 1, 'received') s;
select is(pg_temp.found(), 'nothing', 'nor when a part of it came in');
select tests.move_order(b.order_id, 'cancelled') from public.backorders b;
select is(pg_temp.found(), 'nothing', 'nor when the rest was given up');
-- who says that something waited hides nothing by it
select tests.tamper(format('update public.stock_levels set on_hand = on_hand - 1 where variant_id = %L', hot)) from ids;
select matches(pg_temp.found(), format('stock_replays_from_events %s on_hand', hot), 'a stolen unit of other goods is found') from ids;
rollback to savepoint waiting;
select tests.tamper(format('insert into public.backorders (order_id, variant_id, account_id, quantity, filled_quantity)
  select m.order_id, m.variant_id, o.account_id, 1, 1 from public.stock_movements m join public.orders o on o.id = m.order_id where m.variant_id = %L limit 1', mug)) from ids;
select matches(pg_temp.found(), 'backorder_filled_by_movements', 'and a forged backorder is found itself');
rollback to savepoint waiting;

-- units that came back without their variant may be of what their order had, and of nothing else
select tests.tamper($$ update public.immutable_events set payload = jsonb_set(payload, '{lines}', (select jsonb_agg(l - 'variant_id') from jsonb_array_elements(payload -> 'lines') l))
                       where event_type in ('order.refunded', 'order.status_changed') and payload ? 'refund_id' and jsonb_array_length(payload -> 'lines') > 0 $$);
select is(pg_temp.told(hot), 8::bigint, 'what was never in such an order is told') from ids;
select is(pg_temp.found(), 'nothing', 'nothing is found');
select tests.tamper(format('update public.stock_levels set on_hand = on_hand - 1 where variant_id = %L', hot)) from ids;
select matches(pg_temp.found(), format('stock_replays_from_events %s on_hand', hot), 'but a stolen unit of what is told') from ids;
rollback to savepoint waiting;

-- an ending of before there were refunds: all of it went back
select tests.tamper($$ update public.immutable_events set payload = payload - '{refund_id,lines,credited_amount,wallet_amount}'::text[] || '{"restocked": true}'
                       where event_type = 'order.status_changed' and payload ->> 'to_status' = 'cancelled' $$);
select is(pg_temp.found(), 'nothing', 'an ending that says no more than that it put all back is understood');
rollback to savepoint waiting;
-- a surplus of before there was a status for it
select tests.expect_success(p) from public.orders o, public.ledger_record_payment(o.id, o.amount_due + 70, 'bank_transfer', 'MORE') p
where o.amount_due > 0 and o.status = 'pending' and not exists (select from public.invoices i where i.order_id = o.id) limit 1;
select tests.tamper($$ update public.immutable_events set payload = payload || '{"payment_status": "paid"}' where event_type = 'payment.recorded' and payload ->> 'credit_amount' = '70' $$);
select is(pg_temp.found(), 'nothing', 'a surplus that was told as paid is no difference');
rollback to savepoint waiting;

-- a card that paid more than was due, and gave it back: that was once no event of the order
select (tests.expect_success(o)).order_id is not null from public.ledger_place_order(tests.items('TEA'), 'bank_transfer', p_notes => 'too much', p_user_id => tests.get_supabase_uid('ann')) o;
select tests.expect_success(c) from tests.card('too much', 'captured', 500) c;
select tests.expect_success(c) from tests.card('too much', 'refunded', 72, '{"object_id": "re_much"}') c;
select is((select o.payment_status from public.orders o where o.notes = 'too much'), 'paid', 'the order is paid');
select is(pg_temp.found(), 'nothing', 'as its events say');
select tests.tamper($$ delete from ledger.outbox where event_id in (select id from public.immutable_events where event_type = 'order.payment_status_changed') $$),
       tests.tamper($$ delete from public.immutable_events where event_type = 'order.payment_status_changed' $$);
select is(pg_temp.found(), 'nothing', 'without that nothing is found either');
select is((select count(*)::integer from ledger.replayed_orders() r where r.payment_status is null), 1, 'and every other order says how it was paid');
select * from finish();
rollback;
