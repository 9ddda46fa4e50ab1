begin;
select plan(3);

select tests.create_variant('mug', stock => 7);
select tests.create_variant('new', stock => 0);
select tests.create_customer('alice', 5000);

select tests.clear_authentication();
select results_eq(
  $$ select v.sku, s.stock_quantity, s.held_quantity, s.available_quantity
     from variant_stock s join variants v on v.id = s.variant_id where v.sku in ('mug', 'new') order by 1 $$,
  $$ values ('mug', 7::bigint, 0::bigint, 7::bigint), ('new', 0, 0, 0) $$,
  'visitors see the stock of every variant, also of one that never had any (DESIGN section 6)');
select tests.act_as_owner();
select tests.place_named_order('first', 'alice', tests.lines('mug x 3'));
select results_eq(
  $$ select s.stock_quantity, s.available_quantity from variant_stock s where s.variant_id = tests.get_variant_id('mug') $$,
  $$ values (4::bigint, 4::bigint) $$, 'an order takes its goods out of both figures');

-- stock spread over two slots, of which a part is held, as procedures to come will do
select set_config('ledger.procedure', 'test', true);
insert into stock_levels (variant_id, slot, on_hand, held) values (tests.get_variant_id('mug'), 1, 5, 2);
select set_config('ledger.procedure', '', true);
select results_eq(
  $$ select s.stock_quantity, s.held_quantity, s.available_quantity from variant_stock s where s.variant_id = tests.get_variant_id('mug') $$,
  $$ values (9::bigint, 2::bigint, 7::bigint) $$, 'the slots of a variant count together, without what is held');

select * from finish();
rollback;
