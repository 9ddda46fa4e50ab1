begin;
select plan(5);

select tests.create_variant('mug', price => 1000);
select tests.create_variant('dinar mug', price => 1000, currency => 'IQD');
select tests.create_customer('alice', 10000);
select tests.expect_success(c) from ledger_credit_account(tests.get_supabase_uid('alice'), 10000, p_currency => 'IQD') c;
insert into discount_codes (code, kind, percent_bp, is_active, valid_from, valid_until) values
  ('OFF', 'percent', 1000, false, now() - interval '1 day', null),
  ('SOON', 'percent', 1000, true, now() + interval '1 hour', null),
  ('OVER', 'percent', 1000, true, now() - interval '2 days', now() - interval '1 day'),
  ('NOW', 'percent', 1000, true, now() - interval '1 day', now() + interval '1 day');
insert into discount_codes (code, kind, fixed_amount, currency, minimum_subtotal_amount) values ('BIG', 'fixed', 100, 'USD', 2000);

select results_eq(
  $$ select c.code, tests.outcome('alice', format('ledger_place_order(tests.lines(''mug x 1''), p_discount_code => %L)', c.code))
     from unnest(array['NOW', 'OFF', 'SOON', 'OVER', 'NEVER', '', 'BIG']) c (code) $$,
  $$ values ('NOW', 'success'), ('OFF', 'discount_code_invalid'), ('SOON', 'discount_code_invalid'), ('OVER', 'discount_code_invalid'),
            ('NEVER', 'discount_code_invalid'), ('', 'discount_code_invalid'), ('BIG', 'discount_code_not_applicable') $$,
  'a code is refused when switched off, before and after its validity, when unknown, and below its minimum');

select tests.authenticate_as('alice');
select is(
  (select error_message from ledger_place_order(tests.lines('mug x 1'), p_discount_code => 'BIG')),
  'Discount code "BIG" needs goods for at least 20.00 USD.', 'the message says what the code needs');
select is(
  (select total_amount from ledger_place_order(tests.lines('mug x 2'), p_discount_code => 'BIG')), 1900::bigint,
  'at its minimum the code applies');
select results_eq(
  $$ select error_code, error_message from ledger_place_order(tests.lines('dinar mug x 9'), p_discount_code => 'BIG') $$,
  $$ values ('discount_code_not_applicable', 'Discount code "BIG" needs an order in USD.') $$,
  'a code of one currency is refused for an order in another');
select is(
  (select total_amount from ledger_place_order(tests.lines('dinar mug x 1'), p_discount_code => 'NOW')), 900::bigint,
  'a percentage without a currency applies in any');
select tests.act_as_owner();

select * from finish();
rollback;
