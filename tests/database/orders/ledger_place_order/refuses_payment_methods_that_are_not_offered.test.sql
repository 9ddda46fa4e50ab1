begin;
select plan(4);

select tests.create_variant('mug');
select tests.create_customer('alice', 5000);

select results_eq(
  $$ select m.method, tests.outcome('alice', format('ledger_place_order(tests.lines(''mug x 1''), %L)', m.method))
     from unnest(array['wallet', 'wallet_partial', 'bank_transfer', 'bank_transfer_grace', 'card', 'invoice', 'gold', 'WALLET', null])
       with ordinality m (method, position) order by m.position $$,
  $$ values ('wallet', 'success'), ('wallet_partial', 'success'), ('bank_transfer', 'success'),
            ('bank_transfer_grace', 'payment_method_unavailable'), ('card', 'payment_method_unavailable'),
            ('invoice', 'payment_method_unavailable'), ('gold', 'payment_method_unavailable'),
            ('WALLET', 'payment_method_unavailable'), (null, 'payment_method_unavailable') $$,
  'wallet, wallet_partial and bank_transfer are offered, other methods are refused');

select tests.authenticate_as('alice');
select is(
  (select error_message from ledger_place_order(tests.lines('mug x 1'), 'gold')),
  'Payment method "gold" is not available; available: bank_transfer, wallet, wallet_partial.',
  'the message names what is offered');
select tests.act_as_owner();

update payment_methods set is_active = false where code = 'wallet';
select is(
  tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 1'), 'wallet') $$), 'payment_method_unavailable',
  'a method that the dashboard switches off is refused');
update payment_methods set is_active = true where code = 'card';
select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 1'), 'card') $$), 'success', 'and one that it switches on is taken');

select * from finish();
rollback;
