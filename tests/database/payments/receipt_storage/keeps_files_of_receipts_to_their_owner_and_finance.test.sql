-- Where Supabase Storage is installed, the private bucket "receipts" holds the files. Its schema is stood in for by the
-- tables, functions, grants and owner that are used, as the migrations of supabase/storage make them.
begin;
select plan(49);
select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice'), tests.create_customer('bob'), tests.create_staff('fay', 'finance'), tests.create_staff('wes', 'warehouse');
select tests.place_named_order('transfer', 'alice', tests.lines('mug x 4'), 'bank_transfer');
create temp table who as select tests.get_supabase_uid('alice') as alice, tests.get_supabase_uid('bob') as bob;
grant select on who to anon, authenticated, service_role;

select throws_ok('select ledger.enable_receipt_storage()', 'P0001', null, 'where Storage is not installed it cannot be switched on');
select is(tests.outcome('alice', format('ledger_submit_receipt(null, 1, null, %L)', (select alice || '/a.pdf' from who))), 'success', 'and a path is taken as it is');

create schema storage;
grant usage on schema storage to postgres, anon, authenticated, service_role;
create table storage.buckets (
  id text primary key, name text not null unique, owner uuid, created_at timestamptz default now(), updated_at timestamptz default now(),
  public boolean default false, avif_autodetection boolean default false, file_size_limit bigint, allowed_mime_types text[], owner_id text);
create table storage.objects (
  id uuid not null default gen_random_uuid() primary key, bucket_id text references storage.buckets (id), name text, owner uuid,
  created_at timestamptz default now(), updated_at timestamptz default now(), last_accessed_at timestamptz default now(), metadata jsonb,
  path_tokens text[] generated always as (string_to_array(name, '/')) stored, version text, owner_id text, user_metadata jsonb, unique (bucket_id, name));
alter table storage.buckets enable row level security;
alter table storage.objects enable row level security;
grant all on storage.buckets, storage.objects to postgres, anon, authenticated, service_role;
create function storage.foldername(name text) returns text[] language plpgsql immutable as $$
declare
  _parts text[];
begin
  select string_to_array(name, '/') into _parts;
  return _parts[1 : array_length(_parts,1) - 1];
end $$;
-- an upload as the Storage server writes it: as the user, with what it found out about the file
create function pg_temp.upload(who text, file text, mimetype text default 'application/pdf', size bigint default 1000, bucket text default 'receipts') returns text language plpgsql as $$
begin
  return tests.outcome_as(who, format('insert into storage.objects (bucket_id, name, owner_id, metadata) values (%L, %L, auth.uid()::text, %L)',
    bucket, file, jsonb_build_object('mimetype', mimetype, 'size', size)));
end $$;
-- how many files somebody removes
create function pg_temp.removed(who text, file text) returns text language plpgsql as $$
declare
  v_before bigint := (select count(*) from storage.objects);
begin
  perform tests.outcome_as(who, format('delete from storage.objects where name = %L', file));
  return v_before - (select count(*) from storage.objects);
end $$;

select is(pg_temp.upload('alice', (select alice || '/a.pdf' from who)), '42501', 'until it is switched on nobody uploads anything');
select lives_ok('select ledger.enable_receipt_storage()', 'with it, it can');
select lives_ok('select ledger.enable_receipt_storage()', 'and again');
select results_eq('select id, public, file_size_limit, allowed_mime_types from storage.buckets',
  $$ values ('receipts', false, 10485760::bigint, '{image/jpeg,image/png,image/webp,image/heic,application/pdf}'::text[]) $$, 'the bucket is private, for images and PDF of at most 10 MB');
update storage.buckets set public = true, file_size_limit = null;
select ledger.enable_receipt_storage();
select results_eq('select public, file_size_limit from storage.buckets', 'values (false, 10485760::bigint)', 'and is again when it is repeated');

-- uploads: into one's own folder
select is(pg_temp.upload(c.caller, replace(replace(c.file, 'ALICE', w.alice::text), 'BOB', w.bob::text)), c.expected, format('%s uploads %s: %s', c.caller, c.file, c.expected))
from who w, (values
  ('alice', 'ALICE/a.pdf', 'done'), ('alice', 'ALICE/2026/b.png', 'done'), ('alice', 'BOB/a.pdf', '42501'), ('alice', 'a.pdf', '42501'), ('alice', '/ALICE/a.pdf', '42501'),
  ('alice', 'x/ALICE/a.pdf', '42501'), ('bob', 'ALICE/c.pdf', '42501'), ('fay', 'ALICE/c.pdf', '42501'), ('anon', 'ALICE/c.pdf', '42501'), ('nobody', 'ALICE/c.pdf', '42501'),
  ('service_role', 'ALICE/c.exe', 'done')) c (caller, file, expected);
insert into storage.buckets (id, name) values ('avatars', 'avatars');
select is(pg_temp.upload('alice', (select alice || '/a.pdf' from who), bucket => 'avatars'), '42501', 'and into no other bucket');

-- who sees
select is(tests.count_as(c.caller, 'storage.objects'), c.expected, format('%s sees %s files', c.caller, c.expected))
from (values ('alice', '3'), ('bob', '0'), ('fay', '3'), ('wes', '0'), ('anon', '0'), ('nobody', '0')) c (caller, expected);

-- sending a receipt looks at its file
select pg_temp.upload('alice', alice || '/big.pdf', size => 10485761), pg_temp.upload('alice', alice || '/just.pdf', size => 10485760),
       pg_temp.upload('alice', alice || '/page.html', 'text/html'), pg_temp.upload('alice', alice || '/photo.heic', 'image/heic') from who;
insert into storage.objects (bucket_id, name) select 'receipts', alice || '/unknown.pdf' from who;
insert into storage.objects (bucket_id, name, metadata) select 'avatars', alice || '/avatar.png', '{"mimetype": "image/png", "size": 1}' from who;
select is(tests.outcome(c.caller, format('ledger_submit_receipt(null, 1, null, %L)', replace(c.file, 'ALICE', w.alice::text))), c.expected, format('%s sends %s: %s', c.caller, c.file, c.expected))
from who w, (values
  ('alice', 'ALICE/a.pdf', 'success'), ('alice', 'ALICE/photo.heic', 'success'), ('alice', 'ALICE/just.pdf', 'success'), ('alice', 'ALICE/none.pdf', 'receipt_file_not_found'),
  ('alice', 'ALICE/avatar.png', 'receipt_file_not_found'), ('alice', 'ALICE/A.pdf', 'receipt_file_not_found'), ('alice', 'ALICE/c.exe', 'success'),
  ('alice', 'ALICE/big.pdf', 'receipt_file_invalid'), ('alice', 'ALICE/page.html', 'receipt_file_invalid'), ('alice', 'ALICE/unknown.pdf', 'receipt_file_invalid'),
  ('bob', 'ALICE/a.pdf', 'invalid_argument')) c (caller, file, expected);
select is((select error_message from who w, ledger_submit_receipt(null, 1, null, w.alice || '/page.html', p_user_id => w.alice)),
  'The file cannot be a receipt: it is text/html. It has at most 10 MB and is one of image/jpeg, image/png, image/webp, image/heic, application/pdf.', 'the refusal says what would be right');

-- removing: until a receipt refers to it
select tests.authenticate_as('alice');
select tests.expect_success(s) from who w, ledger_submit_receipt(tests.order_id('transfer'), 4000, 'T-1', w.alice || '/a.pdf') s;
select tests.act_as_owner();
select is((select storage_path from receipt_queue), (select alice || '/a.pdf' from who), 'the queue says where the file is');
select is((select pg_temp.removed('alice', alice || '/a.pdf') from who), '0', 'what was sent is not removed');
select isnt_empty($$ select from pg_locks l where l.locktype = 'advisory' and l.pid = pg_backend_pid() and l.granted
  and (l.classid::bigint << 32 | l.objid::bigint) = (select hashtextextended('receipt file ' || alice || '/a.pdf', 0) from who) $$,
  'who sends a receipt, and who uploads or removes its file, wait for each other');
select tests.expect_success(r) from ledger_review_receipt(tests.receipt_id('T-1'), 'reject', p_notes => 'no') r;
select is((select pg_temp.removed('alice', alice || '/a.pdf') from who), '0', 'whatever became of it');
select is((select pg_temp.removed('bob', alice || '/2026/b.png') from who), '0', 'another''s file is not removed');
select is((select pg_temp.removed('fay', alice || '/2026/b.png') from who), '0', 'not even by finance');
select is((select pg_temp.removed('alice', alice || '/2026/b.png') from who), '1', 'one''s own is, while no receipt refers to it');
delete from storage.objects where name = (select alice || '/a.pdf' from who);
select is(pg_temp.upload('alice', (select alice || '/a.pdf' from who)), '42501', 'a name that a receipt refers to is not filled again, whoever removed the file');
select is(pg_temp.upload('service_role', (select alice || '/a.pdf' from who)), 'done', 'but by a backend');
select is((select tests.outcome_as('alice', format('update storage.objects set metadata = ''{}'' where name = %L', alice || '/a.pdf')) from who), 'done', 'a change is asked for');
select is((select metadata ->> 'size' from storage.objects where name = (select alice || '/a.pdf' from who)), '1000', 'and changes nothing: there is no policy for it');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
