-- The customer may own a vendor, and so may who brought them; one person may own several vendors.
begin;
select plan(8);

select tests.create_customer('alice', 10000), tests.create_supabase_user('rita');
select tests.create_vendor('Weaver', 'alice', 1000), tests.create_vendor('Dyer', 'rita', 2000), tests.create_vendor('Potter', 'rita', 0);
select tests.create_vendor_variant('Weaver', 'rug', price => 1000), tests.create_vendor_variant('Dyer', 'dye', price => 1000),
       tests.create_vendor_variant('Potter', 'pot', price => 1000);
select tests.expect_success(r)
from profiles p, ledger_register_referral(p.referral_code, p_user_id => tests.get_supabase_uid('alice')) r
where p.id = tests.get_supabase_uid('rita');
select tests.place_named_order('mixed', 'alice', tests.lines('rug x 1', 'dye x 1', 'pot x 1', 'rug x 1'));
select tests.move_order(tests.order_id('mixed'), 'processing', 'delivered');

select is(tests.earned('mixed', 'Weaver'), '2000/1800/0', 'two lines of one vendor are one earning');
select is(tests.orders_and_available('alice'), '4000/7800', 'a customer who owns the vendor gets the share of what they bought');
select is((select total_earned from tests.account('rita')), 1800::bigint + 200, 'a referrer who owns two vendors gets both shares and the commission');
select is((select count(*)::int from transactions t where t.account_id = (select id from tests.account('rita'))), 3, 'in three transactions');
select is(tests.booked('alice', 'vendor_payable'), 1800::bigint, 'in the customer''s books rests what the others'' books have passed on');

select tests.move_order(tests.order_id('mixed'), 'refunded');
select is(tests.orders_and_available('alice'), '0/10000', 'a refund leaves the customer where they were');
select is((select total_earned from tests.account('rita')), 0::bigint, 'and the owner with nothing');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
