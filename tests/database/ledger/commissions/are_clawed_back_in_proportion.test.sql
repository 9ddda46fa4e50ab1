-- The referrer keeps the commission on what was not taken back, to the last minor unit in any split.
begin;
select plan(8);

select tests.create_variant('mug', price => 333);
select tests.create_customer('referrer');
select tests.create_customer('alice', 100000);
select tests.set_setting('referral_rate_bp', '1000');
insert into shipping_methods (code, currency, name, price_amount) values ('POST', 'USD', 'Post', 1000);
select tests.expect_success(r)
from profiles p, ledger_register_referral(p.referral_code, p_user_id => tests.get_supabase_uid('alice')) r
where p.id = tests.get_supabase_uid('referrer');
select tests.authenticate_as('alice');
select tests.expect_success(o) from ledger_place_order(tests.lines('mug x 3'), p_shipping_method => 'POST', p_notes => 'first') o;
select tests.act_as_owner();
select tests.move_order(tests.order_id('first'), 'processing', 'delivered');

create function pg_temp.kept_after(p_units integer, p_shipping bigint default 0, p_amount bigint default 0) returns bigint language plpgsql as $$
begin
  perform tests.expect_success(r)
  from ledger_refund_order(tests.order_id('first'), case when p_units > 0 then jsonb_build_array(jsonb_build_object('line_number', 1, 'quantity', p_units)) end,
                           p_shipping, p_amount) r;
  return (select a.available_balance from tests.account('referrer') a);
end $$;

select is((select available_balance from tests.account('referrer')), 100::bigint, 'a tenth of 999');
select is(pg_temp.kept_after(0, p_shipping => 400), 100::bigint, 'shipping takes nothing of it');
select is(pg_temp.kept_after(1), 67::bigint, 'a third of the goods takes a third, rounded once');
-- the 1266 that are left (666 of them goods) are cut by half
select is(pg_temp.kept_after(0, p_amount => 633), 33::bigint, 'an allowance takes its share of what is left');
-- 633 of the 933 that are left by now: 107 of the last mug's 333 are kept
select is(pg_temp.kept_after(1), 11::bigint, 'which is larger when less is left');
select is(pg_temp.kept_after(1), 0::bigint, 'the last unit takes what was left of it');
select results_eq(
  $$ select o.status, c.clawed_back_amount from tests.order_named('first') o join referral_commissions c on c.order_id = o.id $$,
  $$ values ('refunded', 100::bigint) $$, 'in the end exactly all of it is taken back');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
