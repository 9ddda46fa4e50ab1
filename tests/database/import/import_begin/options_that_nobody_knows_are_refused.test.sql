-- Options decide how money is read: a misspelling is no decision, and a word that means nothing is not taken for one that does.
begin;
create temp table samples (options jsonb, problem text, n serial);
insert into samples (options, problem) values
  ('{}', null), ('{"currency": "USD", "columns": {"amount": "Betrag"}, "decimal_separator": ",", "accept_exponent": true, "date_format": "DD/MM/YYYY", "time_zone": "Asia/Tehran"}', null),
  ('{"method": "cash", "methods": {"wire": "bank_transfer"}, "external_id_prefix": "B/", "statuses": {"offen": "unpaid"}}', null),
  ('{"words": {"status": {"Complete": "delivered"}}, "order_number_prefix": "X", "cancellation_prefix": "C", "default_status": "delivered", "default_payment_status": "unpaid", "default_payment_method": "other", "guest_customer": "guest", "prices_include_tax": false, "tax_rate_bp": 900, "refunds": "wallet", "stock": "take"}', null),
  ('{"tax_rate_bp": "900", "prices_include_tax": "true"}', null),
  ('{"decimal_seperator": ","}', 'there is no option decimal_seperator;%'), ('{"colums": {}}', 'there is no option colums;%'), ('{"tax_rate_bp": "x"}', 'tax_rate_bp%'),
  ('{"tax_rate_bp": 10001}', 'tax_rate_bp%'), ('{"tax_rate_bp": null}', 'tax_rate_bp%'), ('{"tax_rate_bp": 1.5}', 'tax_rate_bp%'), ('{"prices_include_tax": "maybe"}', 'prices_include_tax%'),
  ('{"refunds": "walet"}', 'refunds is paid_out or wallet or pending'), ('{"stock": "tkae"}', 'stock is keep or take'), ('{"method": "shells"}', 'method is%'), ('{"method": null}', 'method is%'),
  ('{"methods": {"wire": "shells"}}', 'methods is an object%'), ('{"methods": ["cash"]}', 'methods is an object%'), ('{"methods": {"wire": null}}', 'methods is an object%'), ('{"statuses": {"a": "b"}}', 'statuses is an object%'),
  ('{"default_status": "done"}', 'default_status is%'), ('{"default_payment_status": "payed"}', 'default_payment_status%'), ('{"default_payment_method": "wallet"}', 'default_payment_method%'),
  ('{"words": {"status": "delivered"}}', 'words is an object%'), ('{"words": []}', 'words is an object%'), ('{"external_id_prefix": ""}', 'prefixes%'), ('{"order_number_prefix": 7}', 'prefixes%'), ('{"guest_customer": null}', 'prefixes%');
select plan((select count(*)::integer * 2 from samples) + 1);
select tests.create_customer('ann');
create temp table run as select tests.stage_import('payments', 'rows', jsonb_build_array(tests.payment_row('P-1', 'ann', '5'))) as id;
select ok(case when s.problem is null then b.success else coalesce(b.error_code = 'invalid_argument' and b.error_details ->> 'problem' like s.problem, false) end,
  format('%s: %s', s.options, coalesce(s.problem, 'taken')))
from samples s cross join lateral public.import_begin('payments', 'n' || s.n, s.options) b order by s.n;
select is(a.success, s.problem is null, format('%s, when it is analysed', s.options))
from samples s cross join run cross join lateral public.import_analyze(run.id, s.options) a order by s.n;
select is((select r.state from public.import_runs r, run where r.id = run.id), 'analyzed', 'and nothing else of it is known');
select * from finish();
rollback;
