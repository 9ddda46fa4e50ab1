begin;
select plan(5);
select tests.open_old_shop();
select tests.bring_in('orders', jsonb_build_array(
  tests.old_line('N1'), tests.old_line('N2', customer => 'ben-2'), tests.old_line('N3', quantity => '2', more => '{"payment_status": "unpaid"}')));
create function pg_temp.pay(external_id text, amount text, paid_at text default '2020-03-01', customer text default 'ann-1') returns jsonb language sql as $$
  select jsonb_build_object('external_id', external_id, 'customer', customer, 'amount', amount, 'paid_at', paid_at);
$$;
create function pg_temp.doubles(rows jsonb, options jsonb default '{}') returns jsonb language plpgsql as $$
declare
  v_run_id uuid := tests.stage_and_analyze('payments', rows, options);
begin
  return (select r.analysis -> 'possible_duplicates' from public.import_report(v_run_id) r);
end $$;

select is(pg_temp.doubles(jsonb_build_array(
    pg_temp.pay('P-1', '7.00'), pg_temp.pay('P-2', '2.50'), pg_temp.pay('P-3', '2.50', customer => 'ben-2'), pg_temp.pay('P-4', '2.50', '2020-03-02'),
    pg_temp.pay('P-5', '5.00'), pg_temp.pay('P-6', 'nothing'))),
  '{"rows": 2, "amount": 500, "first_rows": [2, 3]}', 'as much, on the day of an order, of its customer: those may be its payment');
select is(pg_temp.doubles(jsonb_build_array(pg_temp.pay('P-1', '7.00'))), '{"rows": 0, "amount": 0, "first_rows": []}', 'nothing is pointed at without need');
select is(pg_temp.doubles(jsonb_build_array(pg_temp.pay('order N1', '2.50'))), '{"rows": 0, "amount": 0, "first_rows": []}',
  'what is known by its name is not imported anyway');
select is(pg_temp.doubles(jsonb_build_array(pg_temp.pay('P-1', '2.50', '2020-03-02 23:00')), '{"time_zone": "Pacific/Kiritimati"}'),
  '{"rows": 1, "amount": 250, "first_rows": [1]}', 'days are those of the file''s time zone');
select is((select count(*) from public.payments), 2::bigint, 'and nothing was written');
select * from finish();
rollback;
