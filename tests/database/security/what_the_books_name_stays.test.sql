-- The tables that every order writes have no foreign key to what nobody can remove. This is the nobody: each parent
-- that a record names is neither deleted nor renumbered nor truncated by hand, by the owner or a backend.
begin;
set local client_min_messages = warning; -- a TRUNCATE names what it cascades to
select tests.open_shop();
with v as (insert into public.vendors (name) values ('Potter') returning id)
update public.products p set vendor_id = v.id from v where p.name = 'Product MUG';
select tests.place_order('ann', 'MUG', 2);

create temp table parents (name text primary key, key_column text, new_key text, used text, stays_in_replica_mode boolean);
insert into parents values
  ('accounts', 'id', 'gen_random_uuid()', 'select account_id from public.postings', true),
  ('orders', 'id', 'gen_random_uuid()', 'select order_id from public.stock_movements', true),
  ('transactions', 'id', 'gen_random_uuid()', 'select transaction_id from public.postings', true),
  ('stock_levels', 'variant_id', 'gen_random_uuid()', 'select variant_id from public.stock_movements', true),
  ('vendors', 'id', 'gen_random_uuid()', 'select vendor_id from public.order_items', true),
  ('variants', 'id', 'gen_random_uuid()', 'select variant_id from public.order_items', false),
  ('currencies', 'code', '''XXX''', 'select currency from public.orders union select currency from public.postings', false),
  ('payment_methods', 'code', '''card''', 'select payment_method from public.orders', false),
  ('chart_accounts', 'code', '''petty_cash''', 'select debit_account from public.postings union select credit_account from public.postings', false),
  ('discount_codes', 'id', 'gen_random_uuid()', 'select discount_code_id from public.orders', false);
create temp table statements as
  select p.name, k.kind, p.stays_in_replica_mode,
         format(k.statement, p.name, p.key_column, p.new_key, p.used) as statement
  from parents p, (values ('delete', 'delete from public.%1$I where %2$I in (%4$s)'),
                          ('renumber', 'update public.%1$I set %2$I = %3$s where %2$I in (%4$s)'),
                          ('truncate', 'truncate public.%1$I'),
                          ('truncate with all that hangs on it', 'truncate public.%1$I cascade')) k (kind, statement);
create temp table before as select tests.state() as state;

select plan((select count(*)::int from statements) * 2 + (select count(*)::int from statements where stays_in_replica_mode) + 4);
select is_empty($$ select name from parents where tests.count_as('postgres', format('(%s)', used)) = '0' $$, 'records name each of these');

-- 0A000: a TRUNCATE that a foreign key is in the way of
select matches(tests.error_as('postgres', statement), case when kind = 'truncate' then '^(42501|0A000): ' else '^(42501|23503): ' end,
  format('the owner cannot %s %s by hand', kind, name))
from statements;
select matches(tests.error_as('service_role', statement), '^(42501|23503): ', format('a backend cannot %s %s', kind, name)) from statements;

-- as far as guards stay on in the mode that restores and seed files set
set local session_replication_role = replica;
select matches(tests.error_as('postgres', statement), case when kind = 'truncate' then '^(42501|0A000): ' else '^(42501|23503): .* is refused' end,
  format('nor in replica mode: %s of %s', kind, name))
from statements where stays_in_replica_mode;
set local session_replication_role = origin;
select is(tests.changes((select state from before), tests.state()), null, 'none of all this changed anything');

-- every column that lost its foreign key, and what it names
create temp table named (child text, child_column text, parent text, parent_column text);
insert into named values
  ('orders', 'account_id', 'accounts', 'id'), ('transactions', 'account_id', 'accounts', 'id'), ('orders', 'currency', 'currencies', 'code'),
  ('orders', 'payment_method', 'payment_methods', 'code'),
  ('orders', 'discount_code_id', 'discount_codes', 'id'), ('order_items', 'account_id', 'accounts', 'id'),
  ('order_items', 'variant_id', 'variants', 'id'), ('order_items', 'vendor_id', 'vendors', 'id'),
  ('postings', 'account_id', 'accounts', 'id'), ('postings', 'transaction_id', 'transactions', 'id'),
  ('postings', 'debit_account', 'chart_accounts', 'code'), ('postings', 'credit_account', 'chart_accounts', 'code'),
  ('postings', 'currency', 'currencies', 'code'), ('stock_movements', 'variant_id', 'stock_levels', 'variant_id'),
  ('stock_movements', 'order_id', 'orders', 'id');
select is_empty($$ select n.* from named n
                   where tests.count_as('postgres', format('(select from public.%I c where c.%I not in (select %I from public.%I))',
                                                           n.child, n.child_column, n.parent_column, n.parent)) <> '0' $$,
  'whatever a record names is there');
select is_empty($$ select n.* from named n
                   where not exists (select from pg_constraint f where f.contype = 'f' and f.confrelid = ('public.' || n.parent)::regclass)
                     and n.parent not in (select name from parents) $$,
  'each of what they name is tried above');
select * from finish();
rollback;
