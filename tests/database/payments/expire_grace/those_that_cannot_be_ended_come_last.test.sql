-- Orders that could not be ended before do not take the turn of those that can.
begin;
select plan(4);
select tests.create_variant('mug', price => 1000);
select tests.create_customer(c) from unnest(array['alice', 'ben', 'carol']) c;
select tests.offer('bank_transfer_grace');
select tests.place_named_order(c, c, tests.lines('mug x 1'), 'bank_transfer_grace') from unnest(array['alice', 'ben', 'carol']) c;
select tests.bring_deadline_forward('alice', interval '75 hours'), tests.bring_deadline_forward('ben', interval '74 hours'),
       tests.bring_deadline_forward('carol', interval '73 hours');
create function tests.disturb() returns trigger language plpgsql as $$
begin
  raise exception 'a bug' using errcode = case new.notes when 'alice' then 'P0002' else '57014' end;
end $$;
create trigger a_bug before update on orders for each row when (new.notes in ('alice', 'ben')) execute function tests.disturb();

select is(ledger.expire_grace(1), 0, 'the longest overdue cannot be ended');
select is(ledger.expire_grace(1), 0, 'nor the next, whose ending is cancelled');
select is(ledger.expire_grace(1), 1, 'the one after them is');
select set_eq($$ select a.subject, a.details ->> 'sqlstate' from public.alerts a where a.status <> 'resolved' $$,
  $$ select o.order_number, case o.notes when 'alice' then 'P0002' else '57014' end from public.orders o where o.notes in ('alice', 'ben') $$, 'and of both there is an alert');
select * from finish();
rollback;
