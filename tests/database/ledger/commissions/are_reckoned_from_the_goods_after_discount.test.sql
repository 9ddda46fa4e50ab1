begin;
select plan(9);

select tests.create_variant('mug', price => 1000, tax_rate_bp => 1900);
select tests.create_variant('pin', price => 50);
select tests.create_variant('bead', price => 1);
select tests.create_customer('referrer');
select tests.create_customer('alice', 100000);
insert into shipping_methods (code, currency, name, price_amount) values ('courier', 'USD', 'Courier', 5000);
insert into discount_codes (code, kind, percent_bp) values ('TEN', 'percent', 1000), ('ALL', 'percent', 10000);
select tests.set_setting('referral_rate_bp', '1000');
select tests.expect_success(r)
from profiles p, ledger_register_referral(p.referral_code, p_user_id => tests.get_supabase_uid('alice')) r
where p.id = tests.get_supabase_uid('referrer');

create function pg_temp.commission_of(p_name text, p_items jsonb, p_shipping text, p_code text) returns text language plpgsql as $$
begin
  perform tests.expect_success(o)
  from ledger_place_order(p_items, p_shipping_method => p_shipping, p_discount_code => p_code, p_notes => p_name,
    p_user_id => tests.get_supabase_uid('alice')) o;
  perform tests.move_order(tests.order_id(p_name), 'processing', 'delivered');
  return (select c.base_amount || ': ' || c.commission_amount from referral_commissions c where c.order_id = tests.order_id(p_name));
end $$;

select is(
  pg_temp.commission_of('exclusive', tests.lines('mug x 3'), 'courier', 'TEN'), '2700: 270',
  'the base is the goods after discount, without tax and shipping');
select is(pg_temp.commission_of('4.5', tests.lines('bead x 45'), null, null), '45: 5', '10 % of 45 is 4.5, rounded half up');
select is(pg_temp.commission_of('4.4', tests.lines('bead x 44'), null, null), '44: 4', '10 % of 44 is 4.4, rounded down');
select is(pg_temp.commission_of('0.4', tests.lines('bead x 4'), null, null), null, 'what rounds to nothing is no commission');
select is(pg_temp.commission_of('free', tests.lines('pin x 1'), null, 'ALL'), null, 'an order that costs nothing earns none');
select tests.set_setting('prices_include_tax', 'true');
-- 3000 - 300 = 2700, of which 431 is tax
select is(
  pg_temp.commission_of('inclusive', tests.lines('mug x 3'), null, 'TEN'), '2269: 227', 'tax that prices contain is taken out of the base');
select is((select available_balance from tests.account('referrer')), 270 + 5 + 4 + 227::bigint, 'the referrer has their sum');
select is((select tests.outcome(null, $$ tests.change_status('0.4', 'cancelled') $$)), 'success', 'an order without a commission can be cancelled after delivery');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
