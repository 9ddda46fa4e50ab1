-- The fix puts history right: who brought the customer since earns nothing by it, and nobody hears of goods that arrived long ago.
begin;
select plan(7);
select tests.create_customer('ref'), tests.create_customer('eli', 10000), tests.create_variant('OLD-CUP', 10, 2500);
select tests.expect_success(r) from ledger_register_referral((select p.referral_code from profiles p where p.id = tests.get_supabase_uid('ref')), p_user_id => tests.get_supabase_uid('eli')) r;
select tests.bring_in_broken(jsonb_build_array(
  tests.mismatched_line('A-OLD', 'eli'), tests.wallet_line('B-OLD', 'eli', '{"management_status": "delivered"}'), tests.wallet_line('C-READY', 'eli'),
  tests.mismatched_line('D-SINCE', 'eli', jsonb_build_object('placed_at', to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')))));
create temp table before as select clock_timestamp() as at;
create temp table done as select f.* from integrity_emergency_order_fix(p_dry_run => false) f;
select is((select tests.fixed(orders) from done), 'A-OLD fixed, B-OLD fixed, C-READY fixed, D-SINCE fixed', 'all are put right');
select results_eq($$ select o.order_number, c.commission_amount from referral_commissions c join orders o on o.id = c.order_id $$, $$ values ('D-SINCE', 125::bigint) $$,
  'a commission comes of an order that is younger than the referral');
select results_eq(
  $$ select o.order_number, array_agg(m.type order by m.id) from ledger.outbox m join before b on m.created_at > b.at
     join ledger.outbox_messages x on x.id = m.id join orders o on o.id = (x.payload ->> 'stream_id')::uuid group by 1 order by 1 $$,
  $$ values ('A-OLD', '{integrity.order_fixed}'::text[]), ('B-OLD', '{order.paid_from_wallet,integrity.order_fixed}'),
            ('C-READY', '{order.paid_from_wallet,order.status_changed,integrity.order_fixed}'), ('D-SINCE', '{integrity.order_fixed}') $$,
  'told is what was paid, what is ready to be sent, and what was put right');
select is((select count(*)::int from ledger.outbox m, before b where m.created_at > b.at and m.type = 'commission.earned'), 1, 'who earned something hears of it');
select results_eq($$ select e.payload ->> 'to_status' from immutable_events e join orders o on o.id = e.stream_id where o.order_number = 'A-OLD' and e.event_type = 'order.status_changed' order by e.id $$,
  $$ values ('confirmed'), ('processing'), ('shipped'), ('delivered') $$, 'the history has every step');
select is_empty($$ select * from ledger.findings('{event_has_its_message}') f where f.check_code is not null $$, 'no message is missed');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
