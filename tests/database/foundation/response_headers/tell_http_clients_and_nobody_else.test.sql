-- Headers of an answer are set for PostgREST to pass on; a session outside HTTP has nobody to tell.
begin;
select plan(9);

select tests.create_variant('mug', price => 100);
select tests.create_customer('alice', 10000);
update public.rate_limits set capacity = 2, refill_per_second = 0.001 where procedure = 'ledger_place_order';

/* What one request of alice's is answered: the code, and the headers that are set with it. */
create function pg_temp.headers(p_key text, p_http boolean default true) returns jsonb language plpgsql as $$
declare
  v_code text;
begin
  perform set_config('request.headers', case when p_http then '{"host": "api"}' else '' end, true), set_config('response.headers', '', true);
  v_code := tests.outcome_as('alice', format('select * from public.ledger_place_order(%L, p_idempotency_key => %L)', tests.items('mug'), p_key));
  return jsonb_build_object('code', v_code, 'headers', coalesce(nullif(current_setting('response.headers', true), '')::jsonb, '[]'));
end $$;

select is(pg_temp.headers('first', false), '{"code": "success", "headers": []}', 'outside HTTP no header is set');
select is(pg_temp.headers('first', false), '{"code": "success", "headers": []}', 'for a replay neither');
select is(pg_temp.headers('first'), '{"code": "success", "headers": [{"Idempotency-Replayed": "true"}]}', 'a replay by HTTP says that it is one');
select is(pg_temp.headers('second'),
  '{"code": "success", "headers": [{"RateLimit-Policy": "\"ledger_place_order\";q=2;w=2000"}, {"RateLimit": "\"ledger_place_order\";r=0;t=2000"}]}',
  'a limited call tells its bucket: whole tokens left, and seconds until it is full');
select is(pg_temp.headers('third') ->> 'code', 'rate_limited', 'with no token left a call is refused');
select is(pg_temp.headers('third') -> 'headers' -> 1 ->> 'RateLimit', '"ledger_place_order";r=0;t=2000', 'and says so');
select is(pg_temp.headers('first') -> 'headers', '[{"Idempotency-Replayed": "true"}]', 'a replay takes no token and tells of none');
delete from public.rate_limits where procedure = 'ledger_place_order';
select is(pg_temp.headers('fourth'), '{"code": "success", "headers": []}', 'what is not limited tells no limit');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
