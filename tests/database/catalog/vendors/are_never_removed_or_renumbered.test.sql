-- Order lines keep who sold them, also when the product has gone over to somebody else. They name the vendor without a
-- foreign key, so vendors stay whether they have sold or not: an order that is just being placed may be the first.
begin;
select plan(16);

insert into vendors (name) values ('Potter'), ('Newcomer');
create function pg_temp.vendor(p_name text) returns uuid language sql stable as $$ select v.id from public.vendors v where v.name = p_name $$;
select tests.create_variant('mug', price => 100);
update products set vendor_id = pg_temp.vendor('Potter');
select tests.create_customer('alice', 1000);
select tests.place_named_order('first', 'alice', tests.lines('mug x 1'));
select is((select i.vendor_id from order_items i where i.order_id = tests.order_id('first')), pg_temp.vendor('Potter'), 'a line names its vendor');
update products set vendor_id = null;

create temp table tries as
  select k.kind, v.name, format(k.statement, v.name) as statement
  from (values ('Potter'), ('Newcomer')) v (name),
       (values ('delete', 'delete from public.vendors where name = %L'),
               ('update', 'update public.vendors set id = gen_random_uuid() where name = %L')) k (kind, statement);
select matches(tests.error_as('postgres', statement), format('^42501: %s of the vendor "%s" is refused: orders may name them', kind, name), format('%s of %s by hand is refused', kind, name))
from tries;
select is(tests.outcome_as('service_role', statement), '42501', format('%s of %s by a backend is refused', kind, name)) from tries;
set local session_replication_role = replica;
select matches(tests.error_as('postgres', statement), format('^42501: %s of the vendor "%s" is refused', kind, name), format('%s of %s is refused in replica mode too', kind, name))
from tries;
set local session_replication_role = origin;

select lives_ok($$ update vendors set name = 'Potter and Sons', platform_rate_bp = 500 where name = 'Potter' $$, 'what a vendor is called can be changed');
select is(
  (select v.name from order_items i join vendors v on v.id = i.vendor_id where i.order_id = tests.order_id('first')), 'Potter and Sons',
  'and the line names the same vendor still');
select is(tests.outcome_as('service_role', 'insert into public.vendors (name) values (''Weaver'')'), 'done', 'a backend can add vendors');

select * from finish();
rollback;
