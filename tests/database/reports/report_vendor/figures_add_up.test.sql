-- Source 004 (vendor reports): what was sold, what of it is the vendor's, and what became of that.
begin;
select plan(15);

select tests.create_supabase_user('wendy'), tests.create_supabase_user('nobody');
select tests.create_staff('finance', 'finance'), tests.create_staff('logistics', 'logistics');
select tests.create_vendor('Weaver', 'wendy', 1000), tests.create_vendor('Dyer', null, 5000);
select tests.create_vendor_variant('Weaver', 'rug', price => 1000), tests.create_vendor_variant('Weaver', 'mat', price => 700, currency => 'EUR'),
       tests.create_vendor_variant('Dyer', 'dye', price => 300);
insert into discount_codes (code, kind, percent_bp) values ('TEN', 'percent', 1000);
select tests.create_customer('alice', 50000), tests.create_customer('emil', 50000, 'EUR');
select tests.place_named_order('pending', 'alice', tests.lines('rug x 1'));
select tests.place_named_order('cancelled', 'alice', tests.lines('rug x 4'));
select tests.place_named_order('refunded', 'alice', tests.lines('rug x 2', 'dye x 1'));
select tests.place_named_order('delivered', 'alice', tests.lines('rug x 5', 'rug x 1', 'dye x 2'), discount_code => 'TEN');
select tests.place_named_order('in euros', 'emil', tests.lines('mat x 1'));
select tests.move_order(tests.order_id('cancelled'), 'cancelled');
select tests.move_order(tests.order_id(name), 'processing', 'delivered') from unnest('{refunded,delivered}'::text[]) name;
select tests.move_order(tests.order_id('refunded'), 'refunded');
select tests.expect_success(r) from ledger_refund_order(tests.order_id('delivered'), '[{"line_number": 2, "quantity": 1}]') r;

select tests.authenticate_as('wendy');
create temp table report as select * from public.report_vendor();
select tests.act_as_owner();
create temp view usd as
  select c.* from report r, jsonb_to_recordset(r.currencies) as c (currency text, orders int, units int, gross_amount int, discount_amount int,
    platform_fee_amount int, share_amount int, earned_amount int, clawed_back_amount int, paid_to_wallet_amount int, payable_amount int, by_status jsonb)
  where c.currency = 'USD';
select results_eq('select success, vendor_name from report', $$ values (true, 'Weaver') $$, 'an owner needs not say which vendor is theirs');
select is((select array_agg(c ->> 'currency') from report r, jsonb_array_elements(r.currencies) c), '{EUR,USD}', 'figures come per currency');
-- 1 pending, 2 refunded, 6 delivered; 546 + 54 of the discount (6600 - 660, a tenth of 6000)
select results_eq('select orders, units, gross_amount, discount_amount, platform_fee_amount, share_amount from usd',
  $$ values (3, 9, 9000, 600, 840, 7560) $$, 'sales leave out what was cancelled');
select results_eq('select earned_amount, clawed_back_amount, paid_to_wallet_amount, payable_amount from usd',
  $$ values (1800 + 4860, 1800 + 810, 4050, 0) $$, 'what was earned, taken back, and is in the wallet');
select is((select total_earned from tests.account('wendy')), 4050::bigint, 'as the wallet says');
select results_eq(
  $$ select s.status, s.orders, s.units, s.share_amount, s.earned_amount, s.clawed_back_amount
     from usd, jsonb_to_recordset(usd.by_status) as s (status text, orders int, units int, share_amount int, earned_amount int, clawed_back_amount int) $$,
  $$ values ('pending', 1, 1, 900, 0, 0), ('delivered', 1, 6, 4860, 4860, 810), ('cancelled', 1, 4, 3600, 0, 0), ('refunded', 1, 2, 1800, 1800, 1800) $$,
  'per status everything is there');

select is((select r.currencies -> 0 ->> 'payable_amount' from report_vendor(tests.vendor_id('Dyer')) r), '270', 'what nobody owns is payable: half of 600 less the discount');
select is((select r.currencies -> 0 ->> 'paid_to_wallet_amount' from report_vendor(tests.vendor_id('Dyer')) r), '0', 'and in no wallet');
select is((select r.currencies from report_vendor(tests.vendor_id('Weaver'), p_to => now() - interval '1 day') r), '[]', 'in another range there is nothing');

-- who may ask for whom
select is(tests.outcome(who, format('report_vendor(%L)', case when vendor is not null then tests.vendor_id(vendor) end)), expected, sentence)
from (values
  ('finance', 'Weaver', 'success', 'staff with reports.read see every vendor'),
  ('logistics', 'Weaver', 'vendor_not_found', 'other staff see none'),
  ('wendy', 'Dyer', 'vendor_not_found', 'somebody else''s is not found'),
  ('nobody', null, 'vendor_not_found', 'who owns none has none'),
  ('finance', null, 'vendor_not_found', 'nor have staff who name none')) v (who, vendor, expected, sentence);
select tests.create_vendor('Spinner', 'wendy');
select is(tests.outcome('wendy', 'report_vendor()'), 'invalid_argument', 'who owns several says which');

select * from finish();
rollback;
