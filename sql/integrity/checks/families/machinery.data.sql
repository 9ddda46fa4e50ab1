-- what keeps the books: guards, seals, messages, partitions, and the checks themselves; of everything only
insert into public.integrity_checks (family, code, severity, scopes, repair, proves, query) values
  ('machinery', 'guards_are_on', 'critical', '{all,changed}', null, 'Every trigger that keeps hands off the books is there and on, and does what the schema says.', $$
    select format('%s %s', g.table_name, g.trigger_name), null, format('%s %s', g.fires, g.digest), coalesce(format('%s %s', n.fires, n.digest), 'dropped'), null
    from ledger.guards g
    left join ledger.guards_now() n on n.table_name = g.table_name and n.trigger_name = g.trigger_name
    where to_regclass(g.table_name) is not null and (n.fires, n.digest) is distinct from (g.fires, g.digest)
  $$),
  ('machinery', 'partitions_have_their_guards', 'critical', '{all,changed}', null, 'Every partition of an immutable table has the guards of its table.', $$
    select format('%s %s', p.name, g.trigger_name), null, format('%s %s', g.fires, g.digest), coalesce(format('%s %s', n.fires, n.digest), 'none'), null
    from (select format('%s.%s', s.nspname, c.relname) as name, format('%s.%s', q.nspname, r.relname) as parent_name
          from pg_inherits i
          join pg_class c on c.oid = i.inhrelid
          join pg_namespace s on s.oid = c.relnamespace
          join pg_class r on r.oid = i.inhparent and r.relkind = 'p'
          join pg_namespace q on q.oid = r.relnamespace) p
    join ledger.guards g on g.table_name = p.parent_name
    left join ledger.guards_now() n on n.table_name = p.name and n.trigger_name = g.trigger_name
    where (n.fires, n.digest) is distinct from (g.fires, g.digest)
  $$),
  ('machinery', 'every_check_is_on', 'warning', '{all,changed}', null, 'No check of the schema was switched off by hand.', $$
    select c.code, null, 'enabled', 'switched off', null from public.integrity_checks c where not c.enabled and c.family <> 'own'
  $$),
  ('machinery', 'events_are_sealed', 'warning', '{all,changed}', null, 'Events are sealed soon after they are written (limit of the alert rule seals_behind).', $$
    select e.id, e.account_id, format('sealed within %s seconds', l.seconds), e.occurred_at, null
    from (select a.limit_value as seconds from public.alert_rules a where a.code = 'seals_behind') l
    cross join lateral (
      select n.id, n.account_id, n.occurred_at
      from public.immutable_events n
      where n.written_by_xid > coalesce((select s.last_xid from public.event_seals s order by s.seal_number desc limit 1), 0)
        and n.id > coalesce((select s.epoch_after_event_id from public.event_seals s order by s.seal_number desc limit 1), 0)
        and n.occurred_at < clock_timestamp() - make_interval(secs => l.seconds)
      order by n.written_by_xid
      limit 1) e
  $$),
  -- the month in which the partitions were first made may lie there
  ('machinery', 'events_lie_in_their_month', 'warning', '{all}', null, 'The default partitions of events and audit log hold nothing of a month after the first.', $$
    select d.name, null, 0, d.rows, null
    from (select 'immutable_events_default' as name, count(*) as rows from ledger.immutable_events_default n
          where n.occurred_at >= (select (to_date(min(right(c.relname, 7)), 'YYYY_MM'))::timestamp at time zone 'UTC' from pg_class c
                                  where c.relnamespace = 'ledger'::regnamespace and c.relname ~ '^immutable_events_\d{4}_\d{2}$')
          union all
          select 'audit_log_default', count(*) from ledger.audit_log_default n
          where n.occurred_at >= (select (to_date(min(right(c.relname, 7)), 'YYYY_MM'))::timestamp at time zone 'UTC' from pg_class c
                                  where c.relnamespace = 'ledger'::regnamespace and c.relname ~ '^audit_log_\d{4}_\d{2}$')) d
    where d.rows > 0
  $$),
  ('machinery', 'seal_equals_its_message', 'critical', '{all}', null, 'Each seal that a message or a list of sealed events tells of is there, with that hash.', $$
    select w.subject, null, w.expected, w.found, null from ledger.seal_witnesses() w
  $$),
  -- a message finds what it says in its event, by number and time
  ('machinery', 'message_has_its_event', 'error', '{all}', null, 'Each message to the outside that points to an event finds it, and is of its kind.', $$
    select o.id, o.account_id, format('event %s of %s, %s', o.event_id, o.created_at, o.type), coalesce(format('%s', e.event_type), 'none'), null
    from ledger.outbox o
    left join public.immutable_events e on e.id = o.event_id and e.occurred_at = o.created_at
    where o.event_id is not null and (e.id is null or e.event_type <> o.type)
  $$),
  -- what was imported is no news; what is older than all messages was delivered and removed
  ('machinery', 'event_has_its_message', 'warning', '{all}', null, 'Each event since the oldest message has its message to the outside, but those of imports.', $$
    select e.id, e.account_id, format('a message of %s', e.event_type), 'none', null
    from public.immutable_events e
    where e.id >= (select min(o.event_id) from ledger.outbox o)
      and not exists (select from ledger.outbox o where o.event_id = e.id)
      and not exists (select from public.import_identities i where i.target_id = e.stream_id)
  $$),
  ('machinery', 'outbox_lags', 'warning', '{all,changed}', null, 'While messages are delivered none waits longer than the limit of the alert rule outbox_lag.', $$
    select o.id, o.account_id, format('sent within %s seconds', l.limit_value), o.next_retry_at, null
    from (select n.* from ledger.outbox n where n.status in ('pending', 'sending') order by n.next_retry_at limit 1) o
    join public.alert_rules l on l.code = 'outbox_lag'
    where o.next_retry_at < clock_timestamp() - make_interval(secs => l.limit_value)
      and (o.next_retry_at < clock_timestamp() - interval '1 day' or exists (select from ledger.outbox s where s.settled_at is not null))
      and exists (select from public.feature_flags f where f.key = 'outbox_enabled' and f.state = 'on')
  $$),
  ('machinery', 'import_identity_points_to_what_is_there', 'error', '{all}', null, 'What an import remembers to have made is there.', $$
    select format('%s %s', i.kind, i.external_id), null, i.target_id, 'none', null
    from public.import_identities i
    where case i.kind
            when 'order' then not exists (select from public.orders o where o.id = i.target_id)
            when 'payment' then not exists (select from public.payments p where p.id = i.target_id)
            when 'invoice' then not exists (select from public.invoices n where n.id = i.target_id)
            else false end
  $$),
  ('machinery', 'imported_row_has_its_identity', 'error', '{all}', null, 'An import remembers what it made of each row that has a number of its own.', $$
    select format('%s/%s', w.run_id, w.row_number), coalesce(p.account_id, n.account_id), w.external_id, 'not remembered', null
    from public.import_rows w
    join public.import_runs r on r.id = w.run_id and r.kind in ('payments', 'invoices')
    left join public.payments p on p.id = w.target_id
    left join public.invoices n on n.id = w.target_id
    where w.state = 'applied' and w.external_id is not null and coalesce(p.status = 'captured', n.status = 'issued')
      and not exists (select from public.import_identities i where i.target_id = w.target_id)
  $$),
  ('machinery', 'order_waits_too_long', 'warning', '{all}', null, 'No order stays in a stage beyond the hours of the setting stuck_order_hours_<stage>.', $$
    select m.order_id, m.account_id, format('out of %s within %s hours', m.stage, s.hours), m.updated_at, null
    from (select n.key, case when n.key like 'stuck\_order\_hours\_%' then (n.value #>> '{}')::int end as hours from public.settings n) s
    join public.order_management m on s.key = 'stuck_order_hours_' || m.stage
    where s.hours > 0 and m.status not in ('cancelled', 'refunded', 'delivered', 'rejected')
      and m.updated_at < clock_timestamp() - make_interval(hours => s.hours)
  $$),
  ('machinery', 'receipt_waits_too_long', 'warning', '{all,changed}', null, 'No receipt waits for its review beyond the setting receipt_review_hours.', $$
    select r.id, r.account_id, format('reviewed within %s hours', ledger.setting_text('receipt_review_hours')), r.submitted_at, r.amount
    from public.payment_receipts r
    where r.status = 'submitted' and r.submitted_at < clock_timestamp() - make_interval(hours => ledger.setting_text('receipt_review_hours')::int)
  $$),
  ('machinery', 'reservation_outlives_its_time', 'warning', '{all,changed}', null, 'No reservation holds stock an hour beyond its time.', $$
    select r.id, r.account_id, 'ended', r.expires_at, null
    from public.stock_reservations r
    where r.status = 'active' and r.expires_at < clock_timestamp() - interval '1 hour'
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;
