-- DESIGN section 6 (settings are rows) and source 004 (order prefix, length, tax, thresholds): a wrong value is refused where it is typed.
begin;
select plan(51);

create temp table tried (key text, value jsonb, good boolean);
insert into tried values
  ('order_number_length', '4', true), ('order_number_length', '18', true), ('order_number_length', '3', false), ('order_number_length', '19', false),
  ('order_number_length', '"8"', false), ('order_number_length', '8.5', false), ('order_number_length', 'null', false), ('order_number_length', '[8]', false), ('order_number_length', '"eight"', false),
  ('order_number_length', '1e400', false), ('order_number_length', '8.0', false),
  ('tax_rate_bp', '0', true), ('tax_rate_bp', '10000', true), ('tax_rate_bp', '-1', false), ('tax_rate_bp', '10001', false), ('tax_rate_bp', '7.25', false),
  ('low_stock_threshold', '-1', false), ('low_stock_threshold', '0', true),
  ('grace_hours', '0', false), ('cancellation_window_minutes', '-5', false), ('max_order_lines', '0', false), ('max_line_quantity', '2147483648', false),
  ('referral_rate_bp', '10001', false), ('audit_retention_days', '29', false), ('idempotency_retention_days', '0', false),
  ('prices_include_tax', 'true', true), ('prices_include_tax', '"true"', false), ('prices_include_tax', '1', false), ('prices_include_tax', 'null', false),
  ('auto_confirm_when_paid', '"yes"', false), ('auto_confirm_when_paid', 'true', true),
  ('default_order_status', '"confirmed"', true), ('default_order_status', '"delivered"', false), ('default_order_status', '"Pending"', false), ('default_order_status', '1', false),
  ('order_number_prefix', '"INV-"', true), ('order_number_prefix', '7', false), ('order_number_prefix', '{}', false);
select is(tests.try_as('postgres', format('update public.settings set value = %L where key = %L', value, key)), case when good then 'done' else '23514' end,
  format('%s %s a value of %s', key, case when good then 'takes' else 'refuses' end, value))
from tried;
select is(tests.try_as('postgres', format('update public.settings set %1$s where key = ''grace_hours''', c)), '42501', format('%s of a setting is not for hands', split_part(c, ' ', 1)))
from unnest(array['key = ''grace''', 'kind = ''text''', 'minimum = 0', 'maximum = null', 'allowed = ''{}''']) c;
select is(tests.try_as('postgres', 'delete from public.settings where key = ''grace_hours'''), '42501', 'nor can a setting be removed');
select throws_ok($$ insert into public.settings values ('x', '1', 'float', null, null, null, 'x') $$, '23514', null, 'a kind that procedures do not know is refused');
select throws_ok($$ update public.settings set value = null where key = 'grace_hours' $$, '23502', null, 'no value at all is refused');

-- the values as shipped
select results_eq($$ select key, value from public.settings where key in ('order_number_prefix', 'order_number_length', 'default_order_status') order by key $$,
  $$ values ('default_order_status', '"pending"'::jsonb), ('order_number_length', '8'), ('order_number_prefix', '"ORD"') $$, 'source 004: ORD, 8 digits, pending');
-- by setting_text('key'), or from all settings at once: p_settings ->> 'key'
create temp view settings_read as
  select distinct m[1] as key from pg_proc p, regexp_matches(p.prosrc, '(?:setting_text\(|[pv]_settings ->>? )''([a-z_]+)''', 'g') m
  where p.pronamespace in ('public'::regnamespace, 'ledger'::regnamespace)
  union
  select m[1] from public.integrity_checks c, regexp_matches(c.query, 'setting_text\(''([a-z_]+)''', 'g') m
  union
  select 'stuck_order_hours_' || g from unnest('{finance_pending,finance_review,awaiting_confirmation,warehouse_ready,warehouse_processing,logistics_dispatched}'::text[]) g;
select set_eq($$ select key from settings_read union all values ('grace_hours') $$, 'select key from public.settings',
  'every setting is read by some procedure or check, and no other is; grace_hours waits for payment in grace');
select is(ledger.all_settings(), (select jsonb_object_agg(s.key, s.value) from public.settings s), 'all settings are read at once as they are');
select is_empty($$ select s.key from public.settings s where ledger.all_settings() ->> s.key is distinct from ledger.setting_text(s.key) $$, 'each is the same text either way');
select is(ledger.setting_text('no_such_setting'), null, 'a setting that does not exist reads as null');
select * from finish();
rollback;
