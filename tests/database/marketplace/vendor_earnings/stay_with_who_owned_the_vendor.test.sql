-- A vendor may change hands: what was earned is of who owned it at delivery, and so is what is clawed back.
begin;
select plan(9);

select tests.create_supabase_user(name) from unnest('{wendy,walter}'::text[]) name;
select tests.create_vendor('Weaver', 'wendy', 0);
select tests.create_vendor_variant('Weaver', 'rug', price => 1000);
select tests.create_customer('alice', 10000);
select tests.place_named_order(name, 'alice', tests.lines('rug x 2')) from unnest(array['first', 'second', 'third']) name;

select tests.move_order(tests.order_id('first'), 'processing', 'delivered');
update vendors set owner_user_id = tests.get_supabase_uid('walter') where name = 'Weaver';
select tests.move_order(tests.order_id('second'), 'processing', 'delivered');
update vendors set owner_user_id = null where name = 'Weaver';
select tests.move_order(tests.order_id('third'), 'processing', 'delivered');
select results_eq(
  $$ select (select available_balance from tests.account('wendy')), (select available_balance from tests.account('walter')) $$,
  $$ values (2000::bigint, 2000::bigint) $$, 'each delivery pays who owns the vendor then');
select is(tests.booked('alice', 'vendor_payable'), 6000::bigint, 'and what nobody owns stays payable');

update vendors set owner_user_id = tests.get_supabase_uid('walter') where name = 'Weaver';
select tests.expect_success(r) from ledger_refund_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 1}]') r;
select tests.expect_success(r) from ledger_refund_order(tests.order_id('third'), '[{"line_number": 1, "quantity": 1}]') r;
select is((select available_balance from tests.account('wendy')), 1000::bigint, 'a refund takes back from who had earned');
select is((select available_balance from tests.account('walter')), 2000::bigint, 'and not from who owns the vendor now');
select is(tests.earned('third', 'Weaver'), '2000/2000/1000', 'what is payable to nobody shrinks where it is');
select is(tests.booked('alice', 'vendor_payable'), 4000::bigint, 'in the customer''s books');
select is_empty($$ select from transactions t where t.type like 'vendor%' and t.account_id = (select id from tests.account('alice')) $$,
  'the customer''s own transactions say nothing of vendors');
-- who sees the record
select is(tests.count_as('walter', 'public.vendor_earnings') || tests.count_as('wendy', 'public.vendor_earnings') || tests.count_as('alice', 'public.vendor_earnings'),
  '110', 'each owner sees what is in their own account; the customer sees nothing');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
