-- DESIGN rules 1 and 2: what would not be exact is refused before the first write, summed over all that one person gets.
begin;
select plan(8);

select tests.create_customer('rita', 9007199254740991 - 1900), tests.create_customer('alice', 10000);
select tests.create_vendor('Dyer', 'rita', 0), tests.create_vendor('Potter', 'rita', 0);
select tests.create_vendor_variant('Dyer', 'dye', price => 900), tests.create_vendor_variant('Potter', 'pot', price => 1000);
select tests.set_setting('referral_rate_bp', '1000');
select tests.expect_success(r)
from profiles p, ledger_register_referral(p.referral_code, p_user_id => tests.get_supabase_uid('alice')) r
where p.id = tests.get_supabase_uid('rita');
select tests.place_named_order('too much', 'alice', tests.lines('dye x 1', 'pot x 1'));
select tests.place_named_order('fits', 'alice', tests.lines('pot x 1'));
select tests.move_order(tests.order_id(name), 'processing') from unnest(array['too much', 'fits']) name;

select is((select error_code from tests.change_status('too much', 'delivered')), 'amount_too_large',
  'two shares that fit alone, and a commission that does not fit beside them, are refused with the delivery');
select results_eq($$ select o.status, o.version from tests.order_named('too much') o $$, $$ values ('processing', 2::bigint) $$, 'the order is as it was');
select is(tests.booked('alice', 'vendor_payable') + tests.booked('alice', 'revenue'), 0::bigint, 'nothing was booked');
select is_empty('select from vendor_earnings', 'nothing was earned');
select is((select success from tests.change_status('fits', 'delivered')), true, 'a smaller one is delivered');
select is((select total_earned from tests.account('rita')), 9007199254740991 - 1900 + 1000 + 100, 'with its share and its commission');
select is((select success from tests.change_status('too much', 'cancelled')), true, 'the other one can be cancelled');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
