-- DESIGN rule 5: immutable tables refuse UPDATE, DELETE and TRUNCATE for everybody, the owner included, and INSERT by hand.
begin;
set local client_min_messages = warning; -- a TRUNCATE names what it cascades to
select tests.open_shop();
select tests.open_office();
select tests.open_desk();
select tests.open_shadow();
select tests.open_returns();
select tests.open_refunds();
select tests.open_cards();
select tests.open_warehouse();
select ledger.create_month_partitions();
select ledger.take_kpi_snapshot();
update public.integrity_checks set enabled = false where code = 'outbox_lags';
select ledger.run_checks('{every_check_is_on}');
update public.integrity_checks set enabled = true where code = 'outbox_lags';
-- one row in a month of its own and one that no month covers, so that each partition has what could be changed
create temp table months as
  select to_char(m, 'YYYY_MM') as suffix, m + interval '1 day' as day
  from (select (date_trunc('month', now() at time zone 'UTC') at time zone 'UTC') + interval '2 months' as m) s;
do $$
begin
  perform set_config('ledger.procedure', 'test', true);
  insert into public.immutable_events (occurred_at, event_type, stream_type, stream_id, payload, correlation_id, written_by_xid)
  select d.day, 'test', 'test', gen_random_uuid(), '{}', gen_random_uuid(), 3 from (select day from months union all select '2001-01-01') d (day);
  insert into public.audit_log (occurred_at, action, target_type, actor_role)
  select d.day, 'test', 'test', 'test' from (select day from months union all select '2001-01-01') d (day);
  perform set_config('ledger.procedure', '', true);
end $$;
select tests.tamper('update public.immutable_events set written_by_xid = 3 where written_by_xid > 3');
select ledger.seal_events(2);

create temp table targets as
  select t.name, t.table_name
  from (values ('public.transactions', 'transactions'), ('public.postings', 'postings'), ('public.event_texts', 'event_texts'), ('public.stock_movements', 'stock_movements'), ('public.shipment_lines', 'shipment_lines'), ('public.refund_lines', 'refund_lines'), ('public.card_events', 'card_events'), ('public.card_bookings', 'card_bookings'), ('public.invoice_lines', 'invoice_lines'), ('public.payment_allocations', 'payment_allocations'), ('public.debt_movements', 'debt_movements'), ('public.stock_reservation_lines', 'stock_reservation_lines'),
               ('public.event_seals', 'event_seals'), ('public.event_fingerprints', 'event_fingerprints'), ('public.old_flag_failures', 'old_flag_failures'), ('public.reconciliation_runs', 'reconciliation_runs'), ('public.integrity_findings', 'integrity_findings'), ('public.kpi_snapshots', 'kpi_snapshots'), ('public.immutable_events', 'immutable_events'), ('public.audit_log', 'audit_log'),
               ('ledger.immutable_events_default', 'immutable_events'), ('ledger.audit_log_default', 'audit_log')) t (name, table_name)
  union all
  select 'ledger.' || p || '_' || suffix, p from months, unnest('{immutable_events,audit_log}'::text[]) p;
create temp table statements as
  select t.name, t.table_name, k.kind, format(k.statement, t.name, (select a.attname from pg_attribute a where a.attrelid = t.name::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum limit 1)) as statement
  from targets t, (values ('update', 'update %1$s set %2$I = %2$I'), ('delete', 'delete from %1$s'), ('truncate', 'truncate %1$s cascade'),
                          ('insert', 'insert into %1$s select * from %1$s limit 1')) k (kind, statement);
create temp table before as select tests.state() as state;

select plan((select count(*)::int from statements) * 2 + (select count(*)::int from statements where kind <> 'insert') * 2 + 6);
select is_empty($$ select name from targets where tests.count_as('postgres', name) = '0' $$, 'each of these tables and partitions has rows that could be changed');

select matches(tests.error_as('postgres', statement),
  case kind when 'insert' then format('^42501: insert on %s by hand is refused.*\(Call .*(ledger_|order_|seal_events|integrity_check_drift|integrity_run|take_kpi_snapshot)', table_name)
            else format('^42501: %s on %s is refused: its rows are never changed or removed \(Correct a record with a new one', kind, table_name) end,
  format('the owner cannot %s %s by hand, and is told so', kind, name))
from statements;
select is(tests.outcome_as('service_role', statement), '42501', format('a backend cannot %s %s', kind, name)) from statements;

-- a procedure that tried, by mistake, would fail as well
select set_config('ledger.procedure', 'ledger_place_order', true);
select matches(tests.error_as('postgres', statement), '^42501: .* is refused', format('no procedure can %s %s either', kind, name))
from statements where kind <> 'insert';
select set_config('ledger.procedure', 'purge_audit_log', true);
select matches(tests.error_as('postgres', 'update public.immutable_events set payload = ''{}'''), '^42501', 'the purge''s mark opens no other table than the audit log');
select matches(tests.error_as('postgres', 'truncate public.audit_log'), '^42501', 'and does not open the audit log to TRUNCATE');
select set_config('ledger.procedure', '', true);

-- the mode that restores and seed files set switches ordinary triggers off; these stay on
set local session_replication_role = replica;
select matches(tests.error_as('postgres', statement), '^42501: .* is refused', format('%s of %s is refused in replica mode too', kind, name))
from statements where kind <> 'insert';
set local session_replication_role = origin;

-- ways around an UPDATE
select matches(tests.error_as('postgres', $$ insert into public.transactions select t.* from public.transactions t limit 1 on conflict (id) do update set amount = 0 $$),
  '^42501', 'an upsert is refused');
select matches(tests.error_as('postgres', $$ merge into public.postings p using public.postings q on p.transaction_id = q.transaction_id and p.leg_number = q.leg_number when matched then delete $$),
  '^42501', 'a MERGE is refused');
select is(tests.changes((select state from before), tests.state()), null, 'none of all this changed anything');
select * from finish();
rollback;
