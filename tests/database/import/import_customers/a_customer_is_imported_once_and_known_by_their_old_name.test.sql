begin;
select plan(7);
select tests.create_supabase_user('zoe', 'zoe@old.example');

select tests.bring_in('customers', '[
  {"customer": "17850.0", "email": "Ann@Old.example", "name": "Ann", "line1": "1 Mill Lane", "city": "Basra", "country": "iq", "created_at": "2019-05-01"},
  {"customer": "17850", "email": "ann@old.example"},
  {"customer": "z", "email": "ZOE@old.example"},
  {"customer": "n"},
  {"email": "only@old.example"},
  {"customer": "other", "email": "only@old.example"}]');

select is(tests.rows_of(tests.last_run()), '1 applied, 2 skipped, 3 skipped, 4 applied, 5 applied, 6 skipped', 'each person is one, by name or e-mail');
select results_eq(
  $$select u.email::text, p.display_name, a.line1, a.country
    from public.import_identities i join public.profiles p on p.id = i.target_id join auth.users u on u.id = p.id left join public.addresses a on a.user_id = p.id
    where i.external_id = '17850'$$,
  $$values ('ann@old.example', 'Ann', '1 Mill Lane', 'IQ')$$, 'they have a user, a profile and an address');
select is((select i.target_id from public.import_identities i where i.kind = 'customer' and i.external_id = 'z'), (select u.id from auth.users u where u.email = 'zoe@old.example'), 'whom the e-mail names is that customer');
select is((select u.email from auth.users u join public.import_identities i on i.target_id = u.id where i.external_id = 'n'), null, 'without an e-mail they are there as well');
select is((select count(*) from public.import_identities i where i.kind = 'customer' and i.external_id in ('other', 'only@old.example')
           group by i.target_id), 2::bigint, 'two names of one e-mail are one person');
select tests.bring_in('customers', '[{"customer": "n"}, {"customer": "17850", "name": "Somebody else"}]');
select is(tests.rows_of(tests.last_run()), '1 skipped, 2 skipped', 'a second import changes nobody');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
