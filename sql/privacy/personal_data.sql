/*
 * The register of personal data: every column that can hold something about a person beyond their id,
 * whose it is, and what profile_erase makes of it. Ids stay everywhere: once profile and sign-in are
 * scrubbed they name nobody, and the books need them. What an accountant must be able to show stays
 * too: amounts, dates, goods, where the goods went for the tax (country and region), and the
 * references of vouchers that lie at the bank. A test compares the register with the tables.
 * Every expression can be carried out again: what it has made of a row stays.
 */
create type ledger.personal_column as (
  relation text,
  column_name text,
  owner_column text,
  becomes text
);
comment on type ledger.personal_column is
  'owner_column: names the person (user_id, id, acknowledged_by) or their account (account_id). becomes: an SQL expression over the row, ''gone'' when the row is removed, null when the column is kept.';

create function ledger.personal_data()
returns setof ledger.personal_column
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  values
    ('public.profiles', 'display_name', 'id', 'null'),
    ('public.profiles', 'referral_code', 'id', 'case when erased_at is null then upper(substr(replace(gen_random_uuid()::text, ''-'', ''''), 1, 10)) else referral_code end'),
    ('public.profiles', 'erased_at', 'id', 'coalesce(erased_at, clock_timestamp())'),
    ('public.addresses', 'recipient', 'user_id', 'gone'),
    ('public.addresses', 'line1', 'user_id', 'gone'),
    ('public.addresses', 'line2', 'user_id', 'gone'),
    ('public.addresses', 'city', 'user_id', 'gone'),
    ('public.addresses', 'region', 'user_id', 'gone'),
    ('public.addresses', 'postal_code', 'user_id', 'gone'),
    ('public.addresses', 'country', 'user_id', 'gone'),
    ('public.addresses', 'phone', 'user_id', 'gone'),
    ('public.order_drafts', 'notes', 'user_id', 'gone'),
    ('public.accounts', 'frozen_reason', 'user_id', '''erased'''),
    ('public.orders', 'shipping_address', 'user_id', 'ledger.place_of_supply(shipping_address)'),
    ('public.orders', 'billing_address', 'user_id', 'ledger.place_of_supply(billing_address)'),
    ('public.orders', 'notes', 'user_id', 'null'),
    ('public.orders', 'metadata', 'user_id', '''{}'''),
    ('public.transactions', 'actor_action', 'account_id', '''erased'''),
    ('public.transactions', 'metadata', 'account_id', '''{}'''),
    ('public.event_texts', 'texts', 'account_id', 'gone'),
    ('public.withdrawals', 'destination', 'account_id', '''{}'''),
    ('public.withdrawals', 'notes', 'account_id', 'null'),
    ('public.withdrawals', 'review_notes', 'account_id', 'null'),
    ('public.withdrawals', 'bank_reference', 'account_id', null),
    ('public.payments', 'notes', 'account_id', 'null'),
    ('public.payments', 'void_reason', 'account_id', 'null'),
    ('public.payments', 'reference', 'account_id', null),
    ('public.payments', 'external_id', 'account_id', null),
    ('public.card_payments', 'handled_notes', 'account_id', 'null'),
    ('public.payment_receipts', 'notes', 'account_id', 'null'),
    ('public.payment_receipts', 'review_notes', 'account_id', 'null'),
    ('public.payment_receipts', 'reference', 'account_id', null),
    -- the files themselves lie in Storage, under the person's id
    ('public.payment_receipts', 'storage_path', 'account_id', 'case when status in (''approved'', ''partly_approved'') then storage_path end'),
    -- invoices are kept as they were issued, as the law on bookkeeping and tax asks: with name, address, goods and the customer's reference
    ('public.invoices', 'customer_name', 'account_id', null),
    ('public.invoices', 'billing_address', 'account_id', null),
    ('public.invoices', 'reference', 'account_id', null),
    ('public.invoices', 'invoice_number', 'account_id', null),
    ('public.invoices', 'external_id', 'account_id', null),
    ('public.invoices', 'notes', 'account_id', 'null'),
    ('public.invoices', 'void_reason', 'account_id', 'null'),
    ('public.invoice_lines', 'description', 'account_id', null),
    ('public.invoice_lines', 'sku', 'account_id', null),
    ('public.refunds', 'reason', 'account_id', 'null'),
    ('public.refunds', 'payout_reference', 'account_id', null),
    ('public.shipments', 'carrier', 'account_id', null),
    ('public.shipments', 'tracking_number', 'account_id', 'null'),
    ('public.shipments', 'metadata', 'account_id', '''{}'''),
    ('public.returns', 'reason', 'account_id', 'null'),
    ('public.returns', 'review_notes', 'account_id', 'null'),
    ('public.import_rows', 'data', 'user_id', '''{}'''),
    ('public.import_rows', 'parsed', 'user_id', 'ledger.impersonal_part(parsed, state)'),
    ('public.import_rows', 'external_id', 'user_id', 'case when position(''@'' in external_id) = 0 then external_id end'),
    ('public.import_rejects', 'message', 'user_id', '''erased'''),
    ('public.import_rejects', 'value', 'user_id', 'null'),
    ('public.import_identities', 'external_id', 'target_id', 'gone'),
    ('public.return_lines', 'reason', 'account_id', 'null'),
    -- words of staff go with who wrote them, or after integrity_retention_days
    ('public.alerts', 'notes', 'acknowledged_by', 'null'),
    -- words and numbers of the older system
    ('public.imported_order_claims', 'customer_status', 'account_id', 'null'),
    ('public.imported_order_claims', 'management_status', 'account_id', 'null'),
    ('public.imported_order_claims', 'payment_status', 'account_id', 'null'),
    ('public.imported_order_claims', 'wallet_transaction', 'account_id', 'null');
$$;
comment on function ledger.personal_data() is
  'Every column that can hold something about a person, and what profile_erase makes of it.';

/* What of an address decides the tax of a delivery. */
create function ledger.place_of_supply(p_address jsonb)
returns jsonb
language sql immutable
return case when p_address is not null then
  jsonb_strip_nulls(jsonb_build_object('country', p_address -> 'country', 'region', p_address -> 'region')) end;
comment on function ledger.place_of_supply(jsonb) is 'Country and region of an address snapshot, which the tax office may ask for.';

/*
 * Carries out the register for one person: a statement a table, rows that go and columns that change.
 * The caller has locked what it touches.
 */
create function ledger.erase_personal_data(p_user_id uuid, p_account_ids uuid[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table record;
begin
  for v_table in
    select d.relation, d.owner_column, bool_or(d.becomes = 'gone') as goes,
           string_agg(format('%I = %s', d.column_name, d.becomes), ', ') filter (where d.becomes <> 'gone') as changes
    from ledger.personal_data() d
    group by d.relation, d.owner_column
    having count(d.becomes) > 0
    order by d.relation
  loop
    execute case when v_table.goes then format('delete from %s where %I = any ($1)', v_table.relation, v_table.owner_column)
                 else format('update %s set %s where %I = any ($1)', v_table.relation, v_table.changes, v_table.owner_column) end
    using case when v_table.owner_column = 'account_id' then p_account_ids else array[p_user_id] end;
  end loop;
end $$;
comment on function ledger.erase_personal_data(uuid, uuid[]) is
  'Does to a person''s rows what the register of personal data says.';

/* Words of a transaction may go with their person; everything else about it never changes. */
create function ledger.refuse_change_of_transaction()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'UPDATE' and current_setting('ledger.procedure', true) = 'profile_erase'
     and to_jsonb(new) - '{actor_action,metadata}'::text[] = to_jsonb(old) - '{actor_action,metadata}'::text[] then
    return new;
  end if;
  raise exception using
    errcode = 'insufficient_privilege',
    message = format('%s on %I is refused: its rows are never changed or removed', lower(tg_op), tg_table_name),
    hint = 'Correct a record with a new one that reverses it, through the procedure for it.';
end $$;
comment on function ledger.refuse_change_of_transaction() is
  'Trigger: refuses UPDATE and DELETE of transactions for everybody, except that profile_erase may blank actor_action and metadata.';

drop trigger rows_never_change on public.transactions;
create trigger rows_never_change before update or delete on public.transactions
  for each row execute function ledger.refuse_change_of_transaction();
select ledger.enable_always('public.transactions', array['rows_never_change']);
