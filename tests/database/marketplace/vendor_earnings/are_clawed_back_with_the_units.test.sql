-- Issue: shares are clawed back on refund, in proportion, and end at exactly nothing.
begin;
select plan(15);

select tests.create_supabase_user('wendy');
select tests.create_vendor('Weaver', 'wendy', 1000), tests.create_vendor('Dyer', null, 333);
-- 3 x 333 = 999 less 10 % (99.9): units are worth 300, 299 and 300 to the vendor, whichever go back first
select tests.create_vendor_variant('Weaver', 'rug', price => 333), tests.create_vendor_variant('Dyer', 'dye', price => 1000);
select tests.create_variant('mug', price => 500);
select tests.create_customer('alice', 10000);
select tests.place_named_order('mixed', 'alice', tests.lines('rug x 3', 'dye x 1', 'mug x 1'));
select tests.move_order(tests.order_id('mixed'), 'processing', 'delivered');
select is(tests.earned('mixed', 'Weaver'), '999/899/0', 'the share before');

create function pg_temp.refund(p_lines jsonb, p_amount bigint default 0) returns bigint language sql as $$
  select (tests.expect_success(r)).credited_amount
  from ledger_refund_order(tests.order_id('mixed'), p_lines, p_amount => p_amount) r;
$$;
select is(pg_temp.refund('[{"line_number": 3, "quantity": 1}]'), 500::bigint, 'the house''s own goods are refunded');
select is(tests.earned('mixed', 'Weaver') || ' ' || tests.earned('mixed', 'Dyer'), '999/899/0 1000/967/0', 'which costs no vendor anything');
select is(pg_temp.refund('[{"line_number": 1, "quantity": 1}]'), 333::bigint, 'a unit of one vendor is refunded');
select is(tests.earned('mixed', 'Weaver'), '999/899/300', 'who gives back its share');
select is(tests.earned('mixed', 'Dyer'), '1000/967/0', 'and the other vendor nothing');
select is((select available_balance from tests.account('wendy')), 599::bigint, 'it left the wallet');
select is(tests.booked('alice', 'vendor_payable'), 599::bigint + 967, 'and the customer''s books');

select is(pg_temp.refund(null, 100), 100::bigint, 'an amount is given back without goods');
select is(tests.earned('mixed', 'Weaver'), '999/899/300', 'goodwill is the house''s alone');

select is((select r.success from ledger_refund_order(tests.order_id('mixed'), '[{"line_number": 1, "quantity": 2}, {"line_number": 2, "quantity": 1}]') r), true,
  'the rest is refunded');
select is(tests.earned('mixed', 'Weaver') || ' ' || tests.earned('mixed', 'Dyer'), '999/899/899 1000/967/967', 'nothing of the shares is left');
select results_eq(
  $$ select t.type, t.amount from transactions t where t.account_id = (select id from tests.account('wendy')) order by t.account_version $$,
  $$ values ('vendor_earned', 899::bigint), ('vendor_clawed_back', -300::bigint), ('vendor_clawed_back', -599::bigint) $$, 'step by step');
select is(tests.booked('alice', 'vendor_payable') || '/' || tests.booked('wendy', 'vendor_payable'), '0/0', 'nothing is payable to anybody');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
