-- The last line of defence: a procedure that reckoned wrong could not store it.
begin;
select plan(29);
select tests.open_shop();
create temp table sample as select o.* from orders o where o.discount_amount > 0;
create temp table before as select tests.state() as state;

/* What writing the sample with this change raises, as a procedure and through an INSERT or an UPDATE. */
create function pg_temp.broken_rule(p_way text, p_change text) returns text language plpgsql as $$
declare
  v_rule text;
  v_columns text := (select string_agg(a.attname, ', ') from pg_attribute a where a.attrelid = 'public.orders'::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = '');
begin
  perform set_config('ledger.procedure', 'test', true);
  if p_way = 'update' then
    execute format('update public.orders set %s where id = (select id from sample)', p_change);
  else
    create temp table changed as select * from sample;
    execute format('update changed set id = gen_random_uuid(), order_number = ''N'', %s', p_change);
    execute format('insert into public.orders (%1$s) select %1$s from changed', v_columns);
  end if;
  raise exception using errcode = 'TRIED', message = 'none';
exception
  when sqlstate 'TRIED' then return 'none';
  when check_violation then
    get stacked diagnostics v_rule = constraint_name;
    return v_rule;
end $$;

create temp table changes (rule text, change text);
insert into changes values
  ('none', 'notes = ''as it was'''),
  ('total_follows_from_its_parts', 'total_amount = total_amount + 1'),
  ('total_follows_from_its_parts', 'subtotal_amount = subtotal_amount + 1'),
  ('total_follows_from_its_parts', 'shipping_amount = 0'),
  ('total_follows_from_its_parts', 'prices_include_tax = true'),
  ('amounts_are_exact_and_not_negative', 'shipping_amount = -1, total_amount = total_amount - shipping_amount - 1'),
  ('amounts_are_exact_and_not_negative', 'discount_amount = subtotal_amount + 1, total_amount = shipping_amount + tax_amount - 1'),
  ('amounts_are_exact_and_not_negative', 'subtotal_amount = 9007199254740992, total_amount = 9007199254740992 - discount_amount + shipping_amount + tax_amount'),
  ('wallet_part_is_part_of_what_was_paid', 'wallet_amount = paid_amount + 1'),
  ('wallet_part_is_part_of_what_was_paid', 'paid_amount = wallet_amount - 1'),
  ('refunded_at_most_what_was_paid', 'refunded_amount = paid_amount + 1'),
  ('status_is_known', 'status = ''lost'''),
  ('payment_status_is_known', 'payment_status = ''owed'''),
  ('notes_are_short', 'notes = repeat(''x'', 2001)');
select is(pg_temp.broken_rule(way, change), rule, format('%s with %s breaks: %s', way, change, rule))
from changes, unnest('{insert,update}'::text[]) way;
select is(tests.changes((select state from before), tests.state()), null, 'none of all this changed anything');
select * from finish();
rollback;
