begin;
select plan(2);
select tests.bring_in('customers', jsonb_build_array('{"name": "nobody"}'::jsonb, '{"customer": "a", "email": "at home"}'::jsonb,
  jsonb_build_object('customer', repeat('x', 201)), '{"customer": "b", "created_at": "1398-05-01"}'::jsonb, '{"customer": "c", "line1": "1 Mill Lane"}'::jsonb,
  '{"customer": "d", "name": "D", "line1": "1 Mill Lane", "city": "Basra", "country": "Iraq"}'::jsonb));
select is(tests.rows_of(tests.last_run()),
  '1 rejected row_value_missing customer, 2 rejected row_email_invalid email, 3 rejected row_text_too_long customer, '
  '4 rejected row_date_jalali created_at, 5 rejected row_address_incomplete country, 6 rejected row_country_unknown country', 'each for its reason');
select is((select count(*) from public.profiles), 0::bigint, 'nobody is there');
select * from finish();
rollback;
