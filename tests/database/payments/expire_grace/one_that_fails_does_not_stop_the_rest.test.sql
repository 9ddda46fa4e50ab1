begin;
select plan(11);

select tests.create_variant('mug', price => 1000);
select tests.create_customer(c) from unnest(array['alice', 'ben', 'carol']) c;
select tests.offer('bank_transfer_grace');
select tests.place_named_order(c, c, tests.lines('mug x 1'), 'bank_transfer_grace') from unnest(array['alice', 'ben', 'carol']) c;
select tests.bring_deadline_forward('alice', interval '75 hours'), tests.bring_deadline_forward('ben', interval '74 hours'),
       tests.bring_deadline_forward('carol', interval '73 hours');

-- what nobody foresaw: alice's order cannot be cancelled, ben's can neither be cancelled nor flagged
create function tests.disturb() returns trigger language plpgsql as $$
begin
  raise exception 'a bug' using errcode = case when new.id = tests.order_id('ben') then 'P0002' else 'P0001' end;
end $$;
create trigger a_bug before update of status on orders for each row
when (new.notes = 'alice') execute function tests.disturb();
create trigger a_worse_bug before update on orders for each row when (new.notes = 'ben') execute function tests.disturb();

select is(ledger.expire_grace(), 2, 'two of three are done');
select is(tests.grace('alice'), 'unpaid overdue', 'the first is flagged instead');
select is((select m ->> 'problem' from tests.messages('order.grace_ended', '{}') m), 'a bug', 'and the message says why');
select is((select o.status from tests.order_named('carol') o), 'cancelled', 'the last is cancelled');
select is(tests.grace('ben'), 'in_grace open', 'the other one stays as it was');
select results_eq($$ select a.subject, a.status, a.value, a.details ->> 'error' from public.alerts a where a.rule_code = 'grace_not_ended' $$,
                  $$ select o.order_number, 'open', 1::bigint, 'a bug' from tests.order_named('ben') o $$, 'and is an alert that says why');
select is(ledger.expire_grace(), 0, 'the next run cannot end it either');
select is((select array_agg(m ->> 'subject') from tests.messages('alert.raised', '{}') m), array[(select o.order_number from tests.order_named('ben') o)],
          'which is no second alert');
drop trigger a_worse_bug on orders;
select is(ledger.expire_grace(), 1, 'for a later run');
select is((select a.status from public.alerts a), 'resolved', 'which resolves the alert');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
