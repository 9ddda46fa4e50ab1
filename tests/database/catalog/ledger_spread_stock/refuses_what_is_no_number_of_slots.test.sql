begin;
select plan(8);
select tests.create_staff('finance', 'finance'), tests.create_staff('warehouse', 'warehouse'), tests.create_customer('ann');
select tests.create_variant('hot', 10);
create temp table before as select tests.state() as state;

select is(tests.outcome_as('warehouse', $$ select * from public.ledger_spread_stock(tests.get_variant_id('hot'), 0) $$), 'invalid_argument', 'no slot is refused');
select is(tests.outcome_as('warehouse', $$ select * from public.ledger_spread_stock(tests.get_variant_id('hot'), 65) $$), 'invalid_argument', 'more than 64 are refused');
select is(tests.outcome_as('warehouse', $$ select * from public.ledger_spread_stock(tests.get_variant_id('hot'), null) $$), 'invalid_argument', 'as is null');
select is(tests.outcome_as('warehouse', $$ select * from public.ledger_spread_stock(gen_random_uuid(), 4) $$), 'invalid_argument', 'a variant that does not exist is refused');
select is(tests.outcome_as('warehouse', $$ select * from public.ledger_spread_stock(null, 4) $$), 'invalid_argument', 'and none');
select is(tests.outcome_as('finance', $$ select * from public.ledger_spread_stock(tests.get_variant_id('hot'), 4) $$), '42501', 'who may not adjust stock may not spread it');
select is(tests.outcome_as('ann', $$ select * from public.ledger_spread_stock(tests.get_variant_id('hot'), 4) $$), '42501', 'nor may a customer');
select is(tests.changes((select state from before), tests.state()), null, 'nothing of all this changed anything');
select * from finish();
rollback;
