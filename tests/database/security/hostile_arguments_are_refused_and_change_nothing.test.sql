-- Every argument of every procedure (from the catalogue of functions) with nulls, extremes, long and odd
-- texts, JSON of the wrong shape, and ids that exist but are something else or somebody else's.
begin;
select tests.open_shop();
select tests.open_repairs();
select tests.open_office();
select tests.open_returns();
select tests.open_till();
select tests.open_trust();
select tests.open_refunds();
select tests.open_cards();
select tests.open_desk();
select tests.open_review();
select tests.open_warehouse();
select tests.open_imports();

select ledger.raise_alert('job_failed', 'seal events', 1);select tests.open_old_orders();

-- approved, so that a decision that is none of the three could be taken for the next step
select tests.expect_success(w) from public.withdrawals v, public.ledger_review_withdrawal(v.id, 'approve') w where v.user_id = tests.get_supabase_uid('bob');

-- a call of each procedure that would succeed, argument by argument; what is left out keeps its default
select tests.receive('Z-1', 'olga', 100);
create temp table ids as
  select tests.get_supabase_uid('ann') as ann, tests.get_supabase_uid('bob') as bob, tests.create_customer('dan', 3000) as dan,
         (select o.id from public.orders o where o.user_id = tests.get_supabase_uid('ann') and o.status = 'pending') as anns_order,
         (select o.id from public.orders o where o.user_id = tests.get_supabase_uid('bob')) as bobs_order,
         (select w.id from public.withdrawals w where w.user_id = tests.get_supabase_uid('ann') and w.status = 'requested') as anns_withdrawal,
         (select w.id from public.withdrawals w where w.user_id = tests.get_supabase_uid('bob')) as bobs_withdrawal,
         (select a.id from public.addresses a) as anns_address,
         (select p.referral_code from public.profiles p where p.id = tests.get_supabase_uid('bob')) as bobs_code,
         tests.get_variant_id('MUG') as mug, tests.items('MUG') as items;
create temp table good as
  select v.procedure, v.argument, quote_literal(v.value) as literal
  from ids, lateral (values
    ('ledger_adjust_stock', 'p_variant_id', mug::text), ('ledger_adjust_stock', 'p_quantity', '5'),
    ('ledger_bulk_change_status', 'p_order_ids', array[bobs_order]::text), ('ledger_bulk_change_status', 'p_new_status', 'processing'),
    ('ledger_continue_bulk_change', 'p_bulk_change_id', (select b.id::text from public.bulk_changes b)),
    ('order_draft_save', 'p_items', items::text), ('order_draft_save', 'p_user_id', ann::text),
    ('order_draft_get', 'p_draft_id', (select d.id::text from public.order_drafts d where d.user_id = bob)),
    ('order_draft_delete', 'p_draft_id', (select d.id::text from public.order_drafts d where d.user_id = bob)),
    ('order_draft_place', 'p_draft_id', (select d.id::text from public.order_drafts d where d.user_id = bob)),
    ('profile_erase', 'p_user_id', tests.create_customer('gone')::text),
    ('ledger_cancel_order', 'p_order_id', anns_order::text), ('ledger_cancel_order', 'p_user_id', ann::text),
    ('ledger_cancel_withdrawal', 'p_withdrawal_id', anns_withdrawal::text), ('ledger_cancel_withdrawal', 'p_user_id', ann::text),
    ('ledger_change_order_status', 'p_user_id', bob::text), ('ledger_change_order_status', 'p_reference_id', bobs_order::text),
    ('ledger_change_order_status', 'p_old_status', 'pending'), ('ledger_change_order_status', 'p_new_status', 'processing'),
    ('ledger_change_order_status', 'p_amount', '1250'),
    ('ledger_confirm_delivery', 'p_shipment_id', (select s.id::text from public.shipments s where s.delivered_at is null)),
    ('ledger_confirm_payment', 'p_provider', 'stripe'), ('ledger_confirm_payment', 'p_event', tests.card_event('by card', 'captured', 428, '{"event_id": "good"}')::text),
    ('ledger_credit_account', 'p_user_id', ann::text), ('ledger_credit_account', 'p_amount', '100'),
    ('ledger_delete_address', 'p_address_id', anns_address::text), ('ledger_delete_address', 'p_user_id', ann::text),
    ('ledger_edit_order', 'p_order_id', anns_order::text), ('ledger_edit_order', 'p_changes', '[{"line_number": 2, "quantity": 1}]'),
    ('ledger_extend_grace', 'p_order_id', tests.order_id('out of time')::text), ('ledger_extend_grace', 'p_until', (now() + interval '1 day')::text),
    ('ledger_set_credit_terms', 'p_user_id', bob::text),
    ('ledger_acknowledge_alert', 'p_alert_id', (select a.id::text from public.alerts a)),
    ('ledger_set_flag', 'p_key', 'outbox_enabled'), ('ledger_set_flag', 'p_state', 'off'),
    ('reconciliation_plan', 'p_run_id', (select r.id::text from public.reconciliation_runs r where r.check_code = 'books' order by r.id desc limit 1)),
    ('reconciliation_apply', 'p_dry_run', 'false'), ('reconciliation_undo', 'p_action_id', (select a.id::text from public.reconciliation_actions a)),
    ('ledger_freeze_account', 'p_user_id', ann::text), ('ledger_freeze_account', 'p_frozen', 'true'), ('ledger_freeze_account', 'p_reason', 'why'),
    ('ledger_issue_invoice', 'p_user_id', bob::text), ('ledger_issue_invoice', 'p_lines', tests.invoice_lines('work x 1 at 100')::text),
    ('ledger_credit_invoice', 'p_invoice_id', tests.invoice_id('advice')::text), ('ledger_credit_invoice', 'p_amount', '10'),
    ('ledger_change_invoice', 'p_invoice_id', tests.invoice_id('advice')::text), ('ledger_change_invoice', 'p_notes', 'call first'),
    ('ledger_void_invoice', 'p_invoice_id', tests.invoice_id('spare')::text),
    ('import_begin', 'p_kind', 'payments'), ('import_begin', 'p_source_name', 'old shop'),
    ('import_stage', 'p_run_id', tests.import_run('half a file')::text), ('import_stage', 'p_first_row', '2'), ('import_stage', 'p_rows', '[{"a": "1"}]'),
    ('import_analyze', 'p_run_id', tests.import_run('staged payments')::text),
    ('import_apply', 'p_run_id', tests.import_run('new payments')::text),
    ('import_backfill', 'p_run_id', tests.import_run('old payments')::text),
    ('import_abort', 'p_run_id', tests.import_run('half a file')::text),
    ('import_report', 'p_run_id', tests.import_run('old payments')::text),
    ('ledger_place_order', 'p_items', items::text), ('ledger_place_order', 'p_user_id', ann::text),
    ('ledger_record_payment', 'p_order_id', bobs_order::text), ('ledger_record_payment', 'p_amount', '100'),
    ('ledger_refund_order', 'p_order_id', (select o.id::text from public.orders o where o.user_id = tests.get_supabase_uid('rita') and o.status = 'delivered')), ('ledger_refund_order', 'p_amount', '10'),
    ('ledger_settle_refund', 'p_refund_id', (select min(f.id::text) from public.refunds f where f.payout_status = 'pending')), ('ledger_settle_refund', 'p_action', 'failed'),
    ('ledger_register_referral', 'p_referral_code', bobs_code), ('ledger_register_referral', 'p_user_id', dan::text),
    ('ledger_request_return', 'p_order_id', (select r.order_id::text from public.returns r where r.status = 'approved')), ('ledger_request_return', 'p_lines', '[{"line_number": 1, "quantity": 2}]'),
    ('ledger_request_return', 'p_user_id', tests.get_supabase_uid('carol')::text),
    ('ledger_review_return', 'p_return_id', (select r.id::text from public.returns r where r.status = 'approved')), ('ledger_review_return', 'p_action', 'receive'),
    ('ledger_ship_order', 'p_order_id', (select s.order_id::text from public.shipments s where s.delivered_at is null)),
    ('ledger_submit_receipt', 'p_amount', '100'), ('ledger_submit_receipt', 'p_reference', 'Q-5'), ('ledger_submit_receipt', 'p_user_id', ann::text),
    ('ledger_review_receipt', 'p_receipt_id', tests.receipt_id('Q-4')::text), ('ledger_review_receipt', 'p_action', 'approve'),
    ('ledger_pay_order_from_wallet', 'p_order_id', (select o.id::text from public.orders o where o.order_number = 'E-WALLET')), ('ledger_pay_order_from_wallet', 'p_user_id', tests.get_supabase_uid('eli')::text),
    ('ledger_withdraw_receipt', 'p_receipt_id', tests.receipt_id('Q-1')::text), ('ledger_withdraw_receipt', 'p_user_id', ann::text),
    ('ledger_request_withdrawal', 'p_amount', '100'), ('ledger_request_withdrawal', 'p_destination', '{"iban": "A"}'), ('ledger_request_withdrawal', 'p_user_id', ann::text),
    ('ledger_review_withdrawal', 'p_withdrawal_id', bobs_withdrawal::text), ('ledger_review_withdrawal', 'p_decision', 'reject'),
    ('ledger_save_address', 'p_recipient', 'A'), ('ledger_save_address', 'p_line1', '1'), ('ledger_save_address', 'p_city', 'B'),
    ('ledger_save_address', 'p_country', 'IQ'), ('ledger_save_address', 'p_user_id', ann::text),
    ('ledger_set_order_status', 'p_order_id', bobs_order::text), ('ledger_set_order_status', 'p_status', 'processing'),
    ('ledger_spread_stock', 'p_variant_id', mug::text), ('ledger_spread_stock', 'p_slots', '4'),
    ('order_reserve', 'p_items', items::text), ('order_reserve', 'p_user_id', ann::text),
    ('order_release_reservation', 'p_reservation_id', (select r.id::text from public.stock_reservations r)), ('order_release_reservation', 'p_user_id', ann::text),
    ('ledger_match_card_payment', 'p_card_payment_id', (select c.id::text from public.card_payments c where c.order_id is null)), ('ledger_match_card_payment', 'p_notes', 'dealt with'),
    ('ledger_release_payment', 'p_payment_id', (select p.id::text from public.payments p where p.reference = 'T-2')),
    ('ledger_void_payment', 'p_payment_id', (select p.id::text from public.payments p where p.reference = 'T-1')),
    ('ledger_allocate_payment', 'p_payment_id', tests.payment_id('Z-1')::text), ('ledger_allocate_payment', 'p_lines', tests.shares('spare 10')::text),
    ('ledger_auto_allocate_payment', 'p_payment_id', tests.payment_id('Z-1')::text),
    ('ledger_reverse_allocation', 'p_allocation_id', tests.allocation_id('O-2', 'advice')::text),
    ('order_quote', 'p_items', items::text),
    ('order_tracking', 'p_order_id', anns_order::text)
  ) v (procedure, argument, value);

create temp table arguments as
  select p.proname::text as procedure, a.name as argument, format_type(t.oid, null) as type, t.n as position,
         t.n <= p.pronargs - p.pronargdefaults as required
  from pg_proc p, unnest(p.proargtypes::oid[]) with ordinality t (oid, n), lateral (select p.proargnames[t.n] as name) a
  where p.pronamespace = 'public'::regnamespace and p.proname ~ '^(ledger_|import_|reconciliation_|order_draft_|profile_erase$|order_(quote|tracking|reserve|release_reservation)$)';

-- the odd values of each type, as SQL literals
create temp table odd (type text, literal text);
insert into odd values
  ('text', 'null'), ('text', $$''$$), ('text', $$'   '$$), ('text', $$repeat('x', 100000)$$), ('text', $$repeat('ﷺ', 3000)$$), ('text', $$e'two\nlines\t\x01'$$),
  ('text', $$'{amount:money} {code} {procedure:money}'$$), ('text', $$'%1$s %I %'$$), ('text', $$'''; drop table public.orders; --'$$),
  ('text', $$'NaN'$$), ('text', $$'null'$$), ('text', $$e'\u202e\U0001F4A3'$$), ('text', $$'\'$$),
  ('bigint', 'null'), ('bigint', '0'), ('bigint', '-1'), ('bigint', '2147483648'), ('bigint', '9007199254740991'), ('bigint', '9007199254740992'),
  ('bigint', '-9007199254740992'), ('bigint', '9223372036854775807'), ('bigint', '(-9223372036854775808)'),
  ('integer', 'null'), ('integer', '0'), ('integer', '-1'), ('integer', '2147483647'), ('integer', '(-2147483648)'),
  ('boolean', 'null'), ('boolean', 'false'),
  ('uuid[]', 'null'), ('uuid[]', $$'{}'$$), ('uuid[]', $$'{null}'$$), ('uuid[]', 'array[[gen_random_uuid()]]'), ('uuid[]', 'array(select gen_random_uuid() from generate_series(1, 10001))'),
  ('timestamp with time zone', 'null'), ('timestamp with time zone', $$'infinity'$$), ('timestamp with time zone', $$'-infinity'$$),
  ('timestamp with time zone', $$'4713-01-01 BC'$$), ('timestamp with time zone', $$'294276-12-31'$$),
  ('uuid', 'null'), ('uuid', $$'00000000-0000-0000-0000-000000000000'$$), ('uuid', $$'ffffffff-ffff-ffff-ffff-ffffffffffff'$$),
  ('jsonb', 'null'), ('jsonb', $$'null'$$), ('jsonb', $$'[]'$$), ('jsonb', $$'{}'$$), ('jsonb', $$'"text"'$$), ('jsonb', $$'1e400'$$), ('jsonb', $$'true'$$),
  ('jsonb', $$'[null]'$$), ('jsonb', $$'[[[]]]'$$), ('jsonb', $$'[{}, 1, "x"]'$$), ('jsonb', $$'{"restock": "yes"}'$$), ('jsonb', $$'{"restock": null, "notes": {"a": [1]}}'$$),
  ('jsonb', $$jsonb_build_object('long', repeat('x', 100000))$$), ('jsonb', $$(repeat('[', 1000) || repeat(']', 1000))::jsonb$$),
  ('jsonb', $$(select jsonb_agg(jsonb_build_object('variant_id', gen_random_uuid(), 'quantity', 1)) from generate_series(1, 10000))$$);
insert into odd
select 'uuid', quote_literal(v.id)
from ids, lateral (values (bob), (anns_order), (bobs_order), (bobs_withdrawal), (anns_address), (mug)) v (id);

-- each odd value in the place of each argument, and one call with nothing but nulls
create temp table calls as
  select a.procedure, a.argument, a.required and o.literal = 'null' as must_refuse,
         format('select * from public.%I(%s)', a.procedure,
           (select string_agg(format('%I => %s::%s', x.argument, case when x.argument = a.argument then o.literal else g.literal end, x.type), ', ' order by x.position)
            from arguments x left join good g using (procedure, argument)
            where x.procedure = a.procedure and (x.argument = a.argument or g.literal is not null))) as call
  from arguments a join odd o using (type)
  union all
  select a.procedure, 'all of them', true,
         format('select * from public.%I(%s)', a.procedure, string_agg(format('%I => null::%s', a.argument, a.type), ', '))
  from arguments a group by a.procedure;
create temp table callers (who text);
insert into callers values ('service_role'), ('admin'), ('ann');
update public.rate_limits set capacity = 1000000;

/*
 * The outcome. A success is undone; what a refusal did would stay. The books are looked at after every
 * third success of the backend, which may do what the others may: all of them would take minutes.
 */
create function pg_temp.probe(p_who text, p_call text) returns text language plpgsql as $$
declare
  v_outcome text;
begin
  v_outcome := tests.outcome_as(p_who, p_call);
  -- what the first order of a list is answered is no refusal of the call
  if v_outcome = 'success' or p_call ~ 'ledger_bulk_change_status' then
    -- what a repair is undone to is wrong by its nature
    if p_who = 'service_role' and hashtext(p_call) % 3 = 0 and p_call !~ 'reconciliation_undo' and exists (select from tests.book_differences()) then
      v_outcome := v_outcome || ', and the books differ';
    end if;
    raise exception using errcode = 'TRIED', message = v_outcome;
  end if;
  return v_outcome;
exception when sqlstate 'TRIED' then
  return sqlerrm;
end $$;

select plan(7 + (select count(distinct procedure)::int from arguments));
select set_eq($$ select procedure from good $$, $$ select procedure from arguments $$, 'every procedure is tried');
select is_empty(
  $$ select who, procedure from callers, (select procedure, format('select * from public.%I(%s)', procedure,
       string_agg(format('%I => %s', argument, literal), ', ')) as call from good g group by procedure) c
     where who <> 'ann' and (who, procedure) <> ('admin', 'ledger_confirm_payment') and tests.try_as(who, call) <> 'success' $$,
  'with good arguments each one succeeds, so a refusal below is the odd argument''s doing');
create temp table before as select tests.state() as state;
create temp table outcomes as
  select c.procedure, c.argument, c.must_refuse, c.call, w.who, pg_temp.probe(w.who, c.call) as outcome
  from calls c, callers w
  -- the backend makes all of them; of the others, who differ in what they may and not in what they send, a third is enough
  where w.who = 'service_role' or c.argument = 'all of them' or hashtext(c.call) % 3 = 0;

select cmp_ok((select count(*)::int from outcomes), '>', 2000, 'more than 2000 calls were made');
select is_empty(format(
  $$ select distinct who, outcome, left(call, 200) from outcomes
     where procedure = %L and outcome not in ('success', '42501') and outcome not in (select code from public.error_codes) $$, p.procedure),
  p.procedure || ' answers every odd argument with success, a known error_code or 42501')
from (select distinct procedure from arguments) p order by p.procedure;
select is_empty($$ select distinct who, argument, procedure from outcomes where must_refuse and outcome = 'success' and (procedure, argument) <> ('reconciliation_plan', 'all of them') $$,
  'a null for an argument that has no default is refused');
select is_empty($$ select procedure from outcomes where who <> 'ann' group by procedure having count(*) filter (where outcome = '42501') > 0
                   and procedure not in ('import_begin', 'import_stage', 'import_analyze', 'import_apply', 'import_backfill', 'import_abort', 'import_report', 'ledger_confirm_payment', 'ledger_acknowledge_alert', 'reconciliation_apply', 'reconciliation_undo', 'ledger_set_flag', 'ledger_bulk_change_status', 'profile_erase', 'ledger_change_order_status', 'ledger_set_order_status', 'ledger_edit_order', 'ledger_issue_invoice', 'ledger_credit_invoice', 'ledger_change_invoice', 'ledger_void_invoice', 'ledger_record_payment', 'ledger_release_payment', 'ledger_match_card_payment', 'ledger_void_payment', 'ledger_allocate_payment', 'ledger_auto_allocate_payment', 'ledger_reverse_allocation', 'ledger_refund_order', 'ledger_settle_refund', 'ledger_review_receipt', 'ledger_credit_account', 'ledger_extend_grace', 'ledger_set_credit_terms', 'ledger_freeze_account', 'ledger_adjust_stock', 'ledger_spread_stock', 'ledger_review_withdrawal', 'ledger_ship_order', 'ledger_confirm_delivery', 'ledger_review_return') $$,
  'a backend and an admin lack no permission, but for naming somebody else as the one who acts');
select is_empty($$ select procedure, argument from outcomes where who = 'ann' and outcome = 'success'
                   and procedure in ('import_begin', 'import_stage', 'import_analyze', 'import_apply', 'import_backfill', 'import_abort', 'import_report', 'ledger_confirm_payment', 'ledger_acknowledge_alert', 'reconciliation_apply', 'reconciliation_undo', 'ledger_set_flag', 'ledger_bulk_change_status', 'ledger_credit_account', 'ledger_issue_invoice', 'ledger_credit_invoice', 'ledger_change_invoice', 'ledger_void_invoice', 'ledger_record_payment', 'ledger_release_payment', 'ledger_match_card_payment', 'ledger_void_payment', 'ledger_allocate_payment', 'ledger_auto_allocate_payment', 'ledger_reverse_allocation', 'ledger_refund_order', 'ledger_settle_refund', 'ledger_review_receipt', 'ledger_extend_grace', 'ledger_set_credit_terms', 'ledger_freeze_account', 'ledger_adjust_stock', 'ledger_spread_stock', 'ledger_review_withdrawal', 'ledger_ship_order', 'ledger_confirm_delivery', 'ledger_review_return', 'ledger_change_order_status') $$,
  'no odd argument gets a customer past a permission');
select is(tests.changes((select state from before), tests.state()), null, 'nothing that was refused changed anything');
select * from finish();
rollback;
