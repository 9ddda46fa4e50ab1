begin;
select plan(4);
select tests.open_old_shop();
select tests.create_staff('eve', 'admin');
select tests.create_staff('max', 'admin');
create function pg_temp.import(kind text, rows jsonb) returns void language plpgsql as $$
declare
  v_run_id uuid;
  v_done boolean := false;
begin
  v_run_id := (select b.run_id from public.import_begin(kind, 'old shop', '{"currency": "USD", "decimal_separator": ".", "cancellation_prefix": "C"}',
                                                        p_actor_id => tests.get_supabase_uid('eve')) b);
  perform tests.expect_success(s) from public.import_stage(v_run_id, 1, rows, true) s;
  perform tests.expect_success(a) from public.import_analyze(v_run_id) a;
  while not v_done loop
    select (tests.expect_success(a)).done into v_done from public.import_apply(v_run_id, p_actor_id => tests.get_supabase_uid('max')) a;
  end loop;
end $$;
select pg_temp.import('products', '[{"sku": "JAR", "name": "Jar", "price": "4", "stock": "5"}]');
select pg_temp.import('orders', jsonb_build_array(tests.old_line('N1', 'JAR', unit_price => '4'), tests.old_line('C1', 'JAR', '-1', '4')));

select set_eq('select distinct t.actor_id from public.transactions t', $$select tests.get_supabase_uid('max')$$, 'transactions name who applied, and not who began');
select set_eq($$select distinct m.actor_id from public.stock_movements m join public.variants v on v.id = m.variant_id where v.sku = 'JAR'$$,
  $$select tests.get_supabase_uid('max')$$, 'and so do movements of stock');
select set_eq($$select distinct e.actor_id from public.immutable_events e where e.stream_type in ('order', 'variant') and e.occurred_at < now() and e.actor_id is not null$$,
  $$select tests.get_supabase_uid('max')$$, 'and events');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
