-- Source 003, test scenario 3: multiple status changes.
begin;
select plan(10);

select tests.create_variant('mug', price => 5000, stock => 10);
select tests.create_customer('alice', 20000);
select tests.create_staff('admin', 'admin');
create function pg_temp.admin_moves(p_from text, p_to text) returns text language plpgsql as $$
declare
  v_answer public.ledger_change_order_status_result;
begin
  perform tests.authenticate_as('admin');
  select c.* into v_answer
  from ledger_change_order_status(tests.get_supabase_uid('alice'), tests.order_id('first'), p_from, p_to, 5000) c;
  perform tests.act_as_owner();
  return case when v_answer.success then 'now ' || v_answer.order_status else v_answer.error_code end;
end $$;

select tests.place_named_order('first', 'alice', tests.lines('mug x 1'));
select is(tests.orders_and_available('alice'), '5000/15000', '1. user submits order: total_orders +$50 (Pending)');
select is(pg_temp.admin_moves('Pending', 'Processing'), 'now processing', '2. admin: "Processing"');
select is(tests.orders_and_available('alice'), '5000/15000', 'total_orders stays +$50');
select is(pg_temp.admin_moves('Processing', 'Delivered'), 'now delivered', '3. admin: "Delivered"');
select is(tests.orders_and_available('alice'), '5000/15000', 'total_orders stays +$50');
select is(pg_temp.admin_moves('Delivered', 'Cancelled'), 'now cancelled', '4. later admin: "Cancelled"');
select is(tests.orders_and_available('alice'), '0/20000', 'total_orders -$50: the money is back');
select is(tests.stock('mug'), 9::bigint, 'delivered goods are not back in stock unless restocked (DESIGN section 6)');
select results_eq(
  $$ select t.type, t.amount from transactions t where t.order_id = tests.order_id('first') order by t.account_version $$,
  $$ values ('order_created', -5000::bigint), ('order_status_changed', 0), ('order_status_changed', 0), ('order_cancelled', 5000) $$,
  'all changes create transaction records (source 003, note 3)');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
