-- DESIGN rule 7: balances, debts, orders and stock follow from the events alone, after everything that the
-- procedures do; what is asked of one is what is asked of all.
begin;
select plan(15);
select tests.open_shop();
select tests.open_office();
select tests.open_imports();
select tests.open_desk();
select tests.open_till();
select tests.open_review();
select tests.open_market();
select tests.open_warehouse();
select tests.open_returns();
select tests.open_refunds();
select tests.open_cards();
select tests.open_trust();
select tests.open_shadow();
select tests.open_old_orders();
-- stock that comes, goes, is spread, reserved, waited for, and comes back
select tests.expect_success(s) from public.ledger_spread_stock(tests.get_variant_id('MUG'), 3) s;
select tests.expect_success(s) from public.ledger_adjust_stock(tests.get_variant_id('MUG'), -2, 'damaged') s;
select tests.create_variant('CUP', 5, 300);
update public.variants set backorder_allowed = true where sku = 'CUP';
select tests.expect_success(a) from public.ledger_credit_account(tests.create_customer('fay', 100000), 100) a;
select tests.authenticate_as('fay');
select tests.expect_success(r) from public.order_reserve(tests.items('MUG', 4)) r;
select tests.expect_success(r) from public.order_reserve(tests.items('TEA', 2)) r;
select tests.expect_success(p) from public.ledger_place_order(tests.items('MUG', 4), p_notes => 'reserved',
  p_reservation_id => (select r.id from public.stock_reservations r join public.stock_reservation_lines l on l.reservation_id = r.id
                       where l.variant_id = tests.get_variant_id('MUG') and r.status = 'active' and r.user_id = tests.get_supabase_uid('fay') limit 1)) p;
select tests.act_as_owner();
select tests.place_named_order('waits', 'fay', jsonb_build_array(jsonb_build_object('variant_id', tests.get_variant_id('CUP'), 'quantity',
  (select s.available_quantity + 7 from public.variant_stock s where s.variant_id = tests.get_variant_id('CUP')))));
select tests.expect_success(e) from public.ledger_edit_order(tests.order_id('waits'), jsonb_build_array(jsonb_build_object('line_number', 1, 'quantity',
  (select i.quantity - 3 from public.order_items i where i.order_id = tests.order_id('waits')))), p_user_id => tests.get_supabase_uid('fay')) e;
select tests.expect_success(s) from public.ledger_adjust_stock(tests.get_variant_id('CUP'), 1) s;
select tests.place_named_order('gives up', 'fay', tests.lines('CUP x 5', 'TEA x 1'));
select tests.expect_success(c) from public.ledger_cancel_order(tests.order_id('gives up'), p_user_id => tests.get_supabase_uid('fay')) c;

select ok((select count(*) > 15 from public.orders) and (select count(distinct event_type) > 35 from public.immutable_events), 'much has happened');
select is((select array_agg(distinct e.event_type order by e.event_type) from public.immutable_events e where e.payload ? 'backordered'), '{order.edited,order.placed}'::text[],
          'orders waited for stock, and for less after an edit');
create temp table everything as select * from public.integrity_replay(p_all => true);
select is((select rows from everything), '[]', 'nothing differs from its events');
select is((select differences from everything), 0::bigint, 'no difference is counted');
select is((select not_recorded from everything), 0::bigint, 'and the events say enough of everything');
select is((select (accounts, orders, variants)::text from everything),
          (select (count(distinct a.id), (select count(*) from public.orders), (select count(*) from public.variants))::text from public.accounts a),
          'every account, order and variant was looked at');

-- one by one
select is_empty($$ select a.id from public.accounts a cross join lateral public.integrity_replay(p_account_id => a.id) r
                   where not r.success or r.differences <> 0 or jsonb_array_length(r.rows) <> 11 $$, 'each account alone is equal in eleven facts');
select is_empty($$ select o.id from public.orders o cross join lateral public.integrity_replay(p_order_id => o.id) r
                   where not r.success or r.differences <> 0 or jsonb_array_length(r.rows) <> 9 $$, 'each order in nine');
select is_empty($$ select v.id from public.variants v cross join lateral public.integrity_replay(p_variant_id => v.id) r
                   where not r.success or r.differences <> 0 or jsonb_array_length(r.rows) <> 2 $$, 'each variant in two');
select bag_eq('select * from ledger.replayed_accounts()', 'select r.* from public.accounts a cross join lateral ledger.replayed_accounts(array[a.id]) r',
              'accounts found by their streams are those of one pass over all');
select bag_eq('select * from ledger.replayed_orders()', 'select * from ledger.replayed_orders(array(select id from public.orders))', 'so are orders');
select bag_eq('select * from ledger.replayed_stock()', 'select r.* from public.variants v cross join lateral ledger.replayed_stock(array[v.id]) r', 'and stock');
select bag_eq('select account_id, invoiced_amount, allocated_amount, unapplied_amount from ledger.replayed_accounts()
               where (invoiced_amount, allocated_amount, unapplied_amount) <> (0, 0, 0)',
              'select * from ledger.replayed_debts() d where (d.invoiced_amount, d.allocated_amount, d.unapplied_amount) <> (0, 0, 0)', 'and debts');

-- the order of events
select is_empty($$ select n.id from (select e.id, (e.payload ->> 'account_version')::bigint as version, row_number() over (partition by e.account_id order by e.id) as place
                                     from public.immutable_events e where e.payload ? 'account_version') n where n.version <> n.place $$,
                'the events of an account are in the order of its versions, without a gap');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
