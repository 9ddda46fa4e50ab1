/*
 * Where the files of receipts lie: the private bucket "receipts" of Supabase Storage, under
 * <user id>/.... Switched on by ledger.enable_receipt_storage(); on a hosted project the role postgres
 * may make policies on storage.objects, though it does not own it.
 */
create function ledger.receipt_file_types()
returns text[]
language sql immutable parallel safe
return '{image/jpeg,image/png,image/webp,image/heic,application/pdf}'::text[];
comment on function ledger.receipt_file_types() is 'Media types of files that a receipt may be.';

create function ledger.receipt_file_bytes()
returns bigint
language sql immutable parallel safe
return 10 * 1024 * 1024;
comment on function ledger.receipt_file_bytes() is 'How large the file of a receipt may be.';

/*
 * Held to the end of the transaction by who sends a receipt with this file, and by who uploads or removes it: whoever
 * comes second sees what the first one did. Nothing else is waited for under it by who uploads or removes.
 */
create function ledger.lock_receipt_file(p_path text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('receipt file ' || p_path, 0));
end $$;
comment on function ledger.lock_receipt_file(text) is 'Makes sending a receipt, and uploading or removing its file, one after the other.';

/* Storage keeps what it found out about an upload in metadata; a backend may have uploaded past the bucket's limits. */
create function ledger.refuse_receipt_file(p_user_id uuid, p_path text)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_metadata jsonb;
begin
  if p_path is null then
    return null;
  elsif length(p_path) > 500 or not starts_with(p_path, p_user_id || '/') or p_path ~ '(^|/)\.{0,2}(/|$)' or p_path ~ '[\\[:cntrl:]]' then
    return ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_storage_path',
      'problem', format('the name of a file in the bucket receipts, in the customer''s own folder: %s/...', p_user_id)));
  elsif to_regclass('storage.objects') is null then
    return null;
  end if;
  perform ledger.lock_receipt_file(p_path);
  execute 'select coalesce(o.metadata, ''{}'') from storage.objects o where o.bucket_id = ''receipts'' and o.name = $1 order by o.created_at desc limit 1'
  into v_metadata using p_path;
  return case
    when v_metadata is null then ledger.refuse('receipt_file_not_found', jsonb_build_object('storage_path', p_path))
    when not coalesce(lower(v_metadata ->> 'mimetype') = any (ledger.receipt_file_types()), false) then
      ledger.refuse('receipt_file_invalid', jsonb_build_object('problem',
        format('it is %s', coalesce(v_metadata ->> 'mimetype', 'of unknown type')), 'types', array_to_string(ledger.receipt_file_types(), ', ')))
    when (v_metadata ->> 'size')::numeric > ledger.receipt_file_bytes() then
      ledger.refuse('receipt_file_invalid', jsonb_build_object('problem',
        format('it has %s bytes', v_metadata ->> 'size'), 'types', array_to_string(ledger.receipt_file_types(), ', ')))
  end;
end $$;
comment on function ledger.refuse_receipt_file(uuid, text) is
  'The refusal for a path outside the customer''s folder, or, where Storage is installed, for a file that is not there or is no receipt; else null.';

/*
 * For the policies on storage.objects: what a receipt refers to stays as it was shown, and its name is not filled
 * again. Volatile, so that it sees a receipt that was sent while it waited.
 */
create function ledger.is_file_of_receipt(p_path text)
returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform ledger.lock_receipt_file(p_path);
  return exists (select from public.payment_receipts r where r.storage_path = p_path);
end $$;
comment on function ledger.is_file_of_receipt(text) is 'Whether a receipt refers to this file of the bucket receipts.';

create function ledger.enable_receipt_storage()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if to_regclass('storage.objects') is null or to_regprocedure('storage.foldername(text)') is null then
    raise exception 'Storage is not installed here: there is no table storage.objects'
      using hint = 'Enable Storage for the project, then call ledger.enable_receipt_storage() again.';
  end if;
  insert into storage.buckets as b (id, name, public, file_size_limit, allowed_mime_types)
  values ('receipts', 'receipts', false, ledger.receipt_file_bytes(), ledger.receipt_file_types())
  on conflict (id) do update set
    public = excluded.public, file_size_limit = excluded.file_size_limit, allowed_mime_types = excluded.allowed_mime_types;

  drop policy if exists receipts_are_uploaded_by_their_owner on storage.objects;
  create policy receipts_are_uploaded_by_their_owner on storage.objects for insert to authenticated
    with check (bucket_id = 'receipts' and (storage.foldername(name))[1] = (select auth.uid()::text) and not ledger.is_file_of_receipt(name));
  drop policy if exists receipts_are_seen_by_their_owner_and_who_reviews on storage.objects;
  create policy receipts_are_seen_by_their_owner_and_who_reviews on storage.objects for select to authenticated
    using (bucket_id = 'receipts'
           and ((storage.foldername(name))[1] = (select auth.uid()::text) or (select ledger.caller_may('receipts.review'))));
  -- there is no policy to change a file: another one is another upload
  drop policy if exists receipts_are_removed_by_their_owner_until_one_is_sent on storage.objects;
  create policy receipts_are_removed_by_their_owner_until_one_is_sent on storage.objects for delete to authenticated
    using (bucket_id = 'receipts' and (storage.foldername(name))[1] = (select auth.uid()::text) and not ledger.is_file_of_receipt(name));
end $$;
comment on function ledger.enable_receipt_storage() is
  'Makes the private bucket "receipts" (10 MB; JPEG, PNG, WebP, HEIC, PDF) and its policies: customers upload into the folder of their id under names that no receipt refers to, see what is in it, and remove what no receipt refers to; who has receipts.review sees all. Safe to repeat.';
