-- An order that fails by a bug or a disturbance fails alone.
begin;
select plan(6);
select tests.create_customer('alice', 10000), tests.create_variant('mug', 20, 1000);
select tests.place_named_order(n, 'alice', tests.items('mug')) from unnest('{one,cursed,three}'::text[]) n;
create function pg_temp.stumble() returns trigger language plpgsql as $$
begin
  raise exception 'the printer is on fire';
end $$;
create trigger stumble before update on orders for each row when (old.notes = 'cursed') execute function pg_temp.stumble();

create temp table answers as
  select a.* from ledger_bulk_change_status(array[tests.order_id('one'), tests.order_id('cursed'), tests.order_id('three')], 'cancelled') a;
select results_eq('select success, error_code from answers', $$ values (true, null), (false, 'bulk_item_failed'), (true, null) $$,
  'the others are cancelled');
select is((select error_details ->> 'problem' from answers where not success), 'the printer is on fire', 'the failure says what happened');
select set_eq($$ select notes, status from orders $$, $$ values ('one', 'cancelled'), ('cursed', 'pending'), ('three', 'cancelled') $$, 'the failed order is as it was');
select is(tests.orders_and_available('alice'), '1000/9000', 'and its money too');
select results_eq('select succeeded_orders, failed_orders, waiting_orders from bulk_changes', $$ values (2, 1, 0) $$, 'the counts say so');
drop trigger stumble on orders;
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
