begin;
select plan(5);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 1000);
select tests.place_named_order('first', 'alice', tests.lines('mug x 1'));
create function pg_temp.outcome_of(p_old text, p_new text) returns text language sql as $$
  select tests.outcome(null, format('ledger_change_order_status(%L, %L, %L, %L, 1000)',
    tests.get_supabase_uid('alice'), tests.order_id('first'), p_old, p_new));
$$;

select results_eq(
  $$ select o.old, o.new, pg_temp.outcome_of(o.old, o.new)
     from (values ('pending', 'processing'), ('Pending', 'Processing'), ('PENDING', 'PROCESSING'), (' pending ', ' Processing ')) o (old, new) $$,
  $$ values ('pending', 'processing', 'success'), ('Pending', 'Processing', 'success'), ('PENDING', 'PROCESSING', 'success'),
            (' pending ', ' Processing ', 'success') $$,
  'status names are taken in any case (source 003 writes "Pending", source 004 "pending"; DESIGN section 6)');
select results_eq(
  $$ select o.old, o.new, pg_temp.outcome_of(o.old, o.new)
     from (values ('pending', 'packed'), ('pending', ''), ('pending', null), ('packed', 'processing'), (null, 'processing')) o (old, new) $$,
  $$ values ('pending', 'packed', 'unknown_status'), ('pending', '', 'unknown_status'), ('pending', null, 'unknown_status'),
            ('packed', 'processing', 'unknown_status'), (null, 'processing', 'unknown_status') $$,
  'names of no status are refused as such');
select is(
  (select error_message from tests.change_status('first', 'Packed')),
  '"Packed" is no order status; known: pending, confirmed, processing, shipped, delivered, rejected, cancelled, refunded.',
  'the message says which there are');
select is((select order_status from tests.change_status('first', 'CONFIRMED')), 'confirmed', 'the answer has them in lower case');
select is((select status from tests.order_named('first')), 'confirmed', 'and so has the order');

select * from finish();
rollback;
