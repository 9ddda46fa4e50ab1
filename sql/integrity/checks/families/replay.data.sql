-- what is in the tables beside what the events alone say (DESIGN rule 7): a row that was changed together with
-- all that it should agree with still disagrees with its events
insert into ledger.integrity_relations (position, name, whole, scoped) values
  -- null ids are all
  (80, 'replayed_accounts', 'select * from ledger.replayed_accounts($1)', null),
  (81, 'replayed_orders', 'select * from ledger.replayed_orders($2)', null),
  (82, 'replayed_stock', 'select * from ledger.replayed_stock()', null),
  (94, 'booking_events', 'select e.* from public.immutable_events e where e.payload ? ''transaction_id''',
       'select e.* from immutable_events e where e.payload ? ''transaction_id'''),
  (95, 'invoice_events', 'select e.* from public.immutable_events e where e.event_type = ''invoice.issued'' or e.payload ? ''credit_note_id''',
       'select e.* from immutable_events e where e.event_type = ''invoice.issued'' or e.payload ? ''credit_note_id''')
on conflict (name) do update set position = excluded.position, whole = excluded.whole, scoped = excluded.scoped;

insert into public.integrity_checks (family, code, severity, repair, proves, query) values
  ('replay', 'order_replays_from_events', 'error', 'order_money',
   'The amounts and the payment status of every order are what its events add up to.', $$
    select format('%s %s', coalesce(o.id, r.order_id), f.what), coalesce(o.account_id, r.account_id), f.replayed, f.stored,
           case when f.what <> 'payment_status' then f.stored::bigint - f.replayed::bigint end
    from orders o
    full join replayed_orders r on r.order_id = o.id
    cross join lateral (values
      ('payment_status', r.payment_status, o.payment_status), ('total_amount', r.total_amount::text, o.total_amount::text),
      ('wallet_amount', r.wallet_amount::text, o.wallet_amount::text), ('paid_amount', r.paid_amount::text, o.paid_amount::text),
      ('refunded_amount', r.refunded_amount::text, o.refunded_amount::text),
      ('wallet_refunded_amount', r.wallet_refunded_amount::text, o.wallet_refunded_amount::text),
      ('credited_amount', r.credited_amount::text, o.credited_amount::text)) f (what, replayed, stored)
    where (o.payment_status, o.total_amount, o.wallet_amount, o.paid_amount, o.refunded_amount, o.wallet_refunded_amount, o.credited_amount)
          is distinct from (r.payment_status, r.total_amount, r.wallet_amount, r.paid_amount, r.refunded_amount, r.wallet_refunded_amount, r.credited_amount)
      and f.replayed is distinct from f.stored
      and not (r.exact_after_event_id is not null and f.replayed is null)
  $$),
  ('replay', 'account_events_have_no_gap', 'critical', null,
   'Every account has one event of each of its versions.', $$
    select r.account_id::text, r.account_id, format('one event of each version up to %s', r.version), 'some without an event or with two', null::bigint
    from replayed_accounts r
    where not r.has_every_version
  $$),
  ('replay', 'account_freeze_replays_from_events', 'error', null,
   'Accounts are frozen exactly where the last word about that froze them.', $$
    select a.id::text, a.id, coalesce(r.is_frozen, false)::text, (a.frozen_reason is not null)::text, null::bigint
    from accounts a
    left join replayed_accounts r on r.account_id = a.id
    where (a.frozen_reason is not null) <> coalesce(r.is_frozen, false)
  $$),
  ('replay', 'transaction_equals_its_event', 'critical', null,
   'Every transaction has an event that says the same of it, and every event that names a transaction has that one.', $$
    select coalesce(t.id, e.transaction_id)::text, coalesce(t.account_id, e.account_id),
           format('%s %s, version %s, order %s, by %s in %s', e.type, e.amount, e.account_version, coalesce(e.order_id, t.order_id), e.actor_id, e.correlation_id),
           format('%s %s, version %s, order %s, by %s in %s', t.type, t.amount, t.account_version, t.order_id, t.actor_id, t.correlation_id),
           t.amount - e.amount
    from transactions t
    full join (
      select (b.payload ->> 'transaction_id')::uuid as transaction_id, b.account_id, b.payload ->> 'transaction_type' as type,
             (b.payload ->> 'amount')::bigint as amount, (b.payload ->> 'account_version')::bigint as account_version,
             case when b.stream_type = 'order' then b.stream_id end as order_id, b.actor_id, b.correlation_id
      from booking_events b) e on e.transaction_id = t.id
    where (t.account_id, t.type, t.amount, t.account_version, t.actor_id, t.correlation_id)
          is distinct from (e.account_id, e.type, e.amount, e.account_version, e.actor_id, e.correlation_id)
       or t.order_id is distinct from coalesce(e.order_id, t.order_id)
  $$),
  ('replay', 'status_fits_its_transaction', 'critical', null,
   'Every change of an order''s status left the transaction of its kind: an order that was cancelled or refunded by its books did not go on.', $$
    select e.stream_id::text, e.account_id, format('the status of an %s transaction', t.type),
           format('%s from %s to %s', e.event_type, e.payload ->> 'from_status', e.payload ->> 'to_status'), null::bigint
    from booking_events e
    join order_transactions t on t.id = (e.payload ->> 'transaction_id')::uuid
    where e.event_type in ('order.placed', 'order.status_changed', 'order.refunded')
      and t.type <> ledger.transaction_of_status(e.event_type, e.payload ->> 'from_status', e.payload ->> 'to_status')
      and (t.actor_action is distinct from 'imported' or t.type not in ('order_created', 'order_status_changed'))
  $$),
  ('replay', 'order_equals_its_placing', 'critical', null,
   'Number, customer, account, currency and payment method of every order are those of the event that placed it.', $$
    select o.id::text, o.account_id, format('%s of %s in %s by %s, account %s', p.order_number, p.user_id, p.currency, p.payment_method, p.account_id),
           format('%s of %s in %s by %s, account %s', o.order_number, o.user_id, o.currency, o.payment_method, o.account_id), null::bigint
    from orders o
    left join (
      select e.stream_id, e.account_id, e.payload ->> 'order_number' as order_number, (e.payload ->> 'user_id')::uuid as user_id,
             e.payload ->> 'currency' as currency, e.payload ->> 'payment_method' as payment_method
      from order_events e
      where e.event_type = 'order.placed') p on p.stream_id = o.id
    where (o.order_number, o.user_id, o.currency, o.payment_method, o.account_id)
          is distinct from (p.order_number, p.user_id, p.currency, p.payment_method, p.account_id)
  $$),
  ('replay', 'withdrawal_equals_its_events', 'critical', null,
   'Every withdrawal has the amount that its request held and the status of its last event.', $$
    select coalesce(w.id, e.stream_id)::text, coalesce(w.account_id, e.account_id), format('%s %s', e.status, e.amount), format('%s %s', w.status, w.amount),
           w.amount - e.amount
    from (select n.* from public.withdrawals n join accounts a on a.id = n.account_id) w
    full join (
      select b.stream_id, min(b.account_id::text)::uuid as account_id,
             substr(max(lpad(b.id::text, 19, '0') || (b.payload ->> 'status') collate "C"), 20) as status,
             max((b.payload #>> '{effect,total_pending_withdrawals}')::bigint) as amount
      from booking_events b
      where b.stream_type = 'withdrawal'
      group by b.stream_id) e on e.stream_id = w.id
    where (w.account_id, w.status, w.amount) is distinct from (e.account_id, e.status, e.amount)
  $$),
  ('replay', 'invoice_equals_its_event', 'critical', null,
   'Number, account and total of every invoice and credit note are those of the event that issued it.', $$
    select i.id::text, i.account_id, format('%s over %s, account %s', e.invoice_number, e.total_amount, e.account_id),
           format('%s over %s, account %s', i.invoice_number, i.total_amount, i.account_id), i.total_amount - e.total_amount
    from invoices i
    left join (
      select n.account_id, (n.payload ->> 'invoice_id')::uuid as invoice_id, n.payload ->> 'invoice_number' as invoice_number,
             (n.payload ->> 'total_amount')::bigint as total_amount
      from invoice_events n
      where n.event_type = 'invoice.issued'
      union all
      select n.account_id, (n.payload ->> 'credit_note_id')::uuid, n.payload ->> 'credit_note_number', (n.payload ->> 'credit_note_amount')::bigint
      from invoice_events n
      where n.payload ? 'credit_note_id') e on e.invoice_id = i.id
    where (i.account_id, i.invoice_number, i.total_amount) is distinct from (e.account_id, e.invoice_number, e.total_amount)
      or (i.number is not null and i.invoice_number !~ ('(^|[^1-9])' || i.number || '$'))
  $$),
  ('replay', 'delivery_equals_its_event', 'error', null,
   'A shipment is delivered exactly when an event says so.', $$
    select s.id::text, s.account_id, coalesce(e.delivered_at::text, 'on its way'), coalesce(s.delivered_at::text, 'on its way'), null::bigint
    from public.shipments s
    join orders o on o.id = s.order_id
    join (
      select d.stream_id, d.payload ->> 'shipment_id' as shipment_id, max((d.payload ->> 'delivered_at')::timestamptz) as delivered_at
      from order_events d
      where d.event_type in ('order.shipment_created', 'order.shipment_delivered')
      group by d.stream_id, d.payload ->> 'shipment_id') e on e.stream_id = s.order_id and e.shipment_id = s.id::text
    -- imported parcels have no event of their own until somebody here confirms them
    where s.delivered_at is distinct from e.delivered_at
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- units of a variant are in the events of all orders that ever had it
insert into public.integrity_checks (family, code, severity, scopes, repair, proves, query) values
  ('replay', 'stock_replays_from_events', 'error', '{all}', 'stock_levels',
   'The units on hand and held of every variant are what events brought, sold, held and put back.', $$
    select format('%s %s', coalesce(v.variant_id, r.variant_id), f.what), null::uuid, f.replayed::text, f.stored::text, f.stored - f.replayed
    from (select s.variant_id, sum(s.on_hand)::bigint as on_hand, sum(s.held)::bigint as held
          from stock_levels s group by s.variant_id) v
    full join replayed_stock r on r.variant_id = v.variant_id
    cross join lateral (values
      ('on_hand', case when r.exact_after_event_id is null then coalesce(r.on_hand, 0) end, coalesce(v.on_hand, 0)),
      ('held', coalesce(r.held, 0), coalesce(v.held, 0))) f (what, replayed, stored)
    where f.replayed <> f.stored
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;
