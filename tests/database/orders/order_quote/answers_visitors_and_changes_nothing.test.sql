begin;
select plan(10);

select tests.create_variant('mug', price => 1000, stock => 5);
select tests.create_variant('old', price => 1000);
update variants set is_active = false where sku = 'old';
select tests.create_customer('alice', 0);
select tests.create_customer('bob', 5000);
select tests.create_staff('admin', 'admin');
insert into discount_codes (code, kind, percent_bp, max_redemptions_per_customer) values ('ONCE', 'percent', 1000, 1);
select tests.place_named_order('first', 'bob', tests.lines('mug x 1'), discount_code => 'ONCE');
create temp table items as select tests.lines('mug x 2') as mugs, tests.lines('old x 1') as old;
grant select on items to anon;

select tests.clear_authentication();
select results_eq(
  $$ select q.success, q.currency, q.subtotal_amount, q.total_amount from items i, order_quote(i.mugs) q $$,
  $$ values (true, 'USD', 2000::bigint, 2000::bigint) $$,
  'a visitor who is not signed in is told the price');
select is(
  (select q.total_amount from items i, order_quote(i.mugs, p_discount_code => 'once') q), 1800::bigint,
  'with a discount code, whose limit per customer counts for those who are signed in');
select is((select q.error_code from items i, order_quote(i.old) q), 'variant_unavailable', 'what is not for sale has no price');
select is((select q.error_code from order_quote('[]') q), 'empty_order', 'an empty cart has none either');
select throws_ok(
  format('select * from order_quote(%L, p_user_id => %L)', '[]', gen_random_uuid()), '42501', null, 'a visitor asks in nobody''s name');
select tests.act_as_owner();

select results_eq(
  $$ select c.caller, tests.outcome(c.caller, format('order_quote(tests.lines(''mug x 1''), p_discount_code => ''ONCE'', p_user_id => %L)', c.user_id))
     from (values ('bob', null), ('alice', null), ('alice', tests.get_supabase_uid('bob')), ('admin', tests.get_supabase_uid('bob')),
                  ('bob', tests.get_supabase_uid('bob'))) c (caller, user_id) $$,
  $$ values ('bob', 'discount_code_already_used'), ('alice', 'success'), ('alice', '42501'), ('admin', 'discount_code_already_used'),
            ('bob', 'discount_code_already_used') $$,
  'a code that a customer has used up is refused to that customer, and to staff who ask for them');
select is(
  (select q.total_amount from order_quote(tests.lines('mug x 2')) q), 2000::bigint, 'a backend asks without a customer');
select is(
  (select q.total_amount from order_quote(tests.lines('mug x 1000')) q), 1000000::bigint, 'a quote promises no stock');
select is(tests.stock('mug'), 4::bigint, 'a quote takes nothing from stock');
select is((select count(*) from orders o where o.user_id = tests.get_supabase_uid('alice')), 0::bigint, 'a quote is no order');

select * from finish();
rollback;
