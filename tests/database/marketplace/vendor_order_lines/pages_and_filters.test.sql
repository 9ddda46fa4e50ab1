-- Lists are read by pages: every line once, in order, also when orders come in between; and filters narrow them.
begin;
select plan(24);

select tests.create_supabase_user('wendy');
select tests.create_vendor('Weaver', 'wendy'), tests.create_vendor('Spinner', 'wendy');
select tests.create_vendor_variant('Weaver', 'rug', price => 10), tests.create_vendor_variant('Spinner', 'yarn', price => 10);
select tests.create_customer('alice', 20000);
select tests.place_named_order('order ' || n, 'alice', tests.lines('rug x 1', 'yarn x 2', 'rug x 3')) from generate_series(1, 7) n;
select tests.authenticate_as('wendy');

create temp table all_lines as
  select row_number() over () as position, l.* from public.vendor_order_lines(p_limit => 200) l;
select is((select count(*)::int from all_lines), 21, 'all lines of both vendors');
select is_empty($$ select from all_lines a join all_lines b on b.position = a.position + 1
                   where not (b.order_id < a.order_id or (b.order_id = a.order_id and b.line_number > a.line_number)) $$,
  'newest order first, within it by line');

/* Page after page, with an order placed after the first one. */
create function pg_temp.pages(p_limit integer) returns text language plpgsql as $$
declare
  v_seen text := '';
  v_order_id uuid;
  v_line integer;
  v_page record;
  v_rows integer;
begin
  loop
    v_rows := 0;
    for v_page in select * from public.vendor_order_lines(p_after_order_id => v_order_id, p_after_line => v_line, p_limit => p_limit) loop
      v_seen := v_seen || ' ' || v_page.order_number || '/' || v_page.line_number;
      v_order_id := v_page.order_id;
      v_line := v_page.line_number;
      v_rows := v_rows + 1;
    end loop;
    exit when v_rows < p_limit;
  end loop;
  return v_seen;
end $$;
create temp table whole as select string_agg(' ' || order_number || '/' || line_number, '' order by position) as seen from all_lines;
select is(pg_temp.pages(size), (select seen from whole), format('in pages of %s every line comes once', size)) from unnest('{1,2,4,20,21,200}'::integer[]) size;

select tests.act_as_owner();
create temp table last_seen as select order_id, line_number from all_lines where position = 5;
grant select on last_seen to authenticated;
select tests.place_named_order('late', 'alice', tests.lines('rug x 9'));
select tests.move_order(tests.order_id('order 2'), 'confirmed');
select tests.authenticate_as('wendy');
select is((select array_agg(l.order_number || '/' || l.line_number) from last_seen s, public.vendor_order_lines(p_after_order_id => s.order_id, p_after_line => s.line_number) l),
  (select array_agg(order_number || '/' || line_number order by position) from all_lines where position > 5),
  'what comes in meanwhile does not move the pages');

select is((select count(*)::int from public.vendor_order_lines(p_order_status => 'confirmed')), 3, 'lines of orders of one status');
select is((select count(*)::int from public.vendor_order_lines(tests.vendor_id('Spinner'), p_order_status => 'pending')), 6, 'of one vendor');
create temp table third as select distinct placed_at from all_lines where order_number = (select order_number from all_lines where position = 15);
select is((select count(*)::int from third, public.vendor_order_lines(p_from => placed_at, p_limit => 100) l where l.quantity <> 9), 15, 'from a moment on, which is included');
select is((select count(*)::int from third, public.vendor_order_lines(p_to => placed_at, p_limit => 100)), 6, 'to a moment, which is not');
select is((select count(*)::int from third, public.vendor_order_lines(p_from => placed_at, p_to => placed_at)), 0, 'and nothing in no time');
select is((select count(*)::int from public.vendor_order_lines(p_from => '-infinity', p_to => 'infinity', p_limit => 100)), 22, 'for ever is everything');

select throws_ok(format('select * from public.vendor_order_lines(%s)', argument), '22023', null, argument || ' is refused')
from unnest(array['p_limit => 0', 'p_limit => 201', 'p_limit => -1', 'p_limit => null', 'p_order_status => ''sold''', 'p_order_status => ''''',
                  'p_after_line => 1', 'p_after_order_id => ''ffffffff-ffff-ffff-ffff-ffffffffffff''']) argument;
select is((select count(*)::int from public.vendor_order_lines(p_after_order_id => '00000000-0000-0000-0000-000000000000', p_after_line => 1)), 0,
  'after the last line there is nothing');

select * from finish();
rollback;
