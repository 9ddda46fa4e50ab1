-- Issue: a vendor sees the address only once the order is confirmed, and no longer when it came to nothing.
begin;
select plan(11);

select tests.create_supabase_user('wendy');
select tests.create_vendor('Weaver', 'wendy');
select tests.create_vendor_variant('Weaver', 'rug', price => 100);
select tests.create_customer('alice', 20000);
select tests.expect_success(a) from ledger_save_address('Alice', '1 Mill Lane', 'Basra', 'IQ', p_phone => '123', p_user_id => tests.get_supabase_uid('alice')) a;
create function pg_temp.place(p_name text) returns void language sql as $$
  select tests.expect_success(o) from ledger_place_order(tests.lines('rug x 1'), p_notes => p_name, p_user_id => tests.get_supabase_uid('alice'),
    p_shipping_address_id => (select a.id from addresses a), p_billing_address_id => (select a.id from addresses a)) o;
$$;
create function pg_temp.address(p_name text) returns text language plpgsql as $$
declare
  v_order_id uuid := tests.order_id(p_name);
  v_address text;
begin
  perform tests.authenticate_as('wendy');
  select l.shipping_address::text into strict v_address from vendor_order_lines() l where l.order_id = v_order_id;
  perform tests.act_as_owner();
  return v_address;
end $$;

select pg_temp.place(name) from unnest('{sold,rejected,cancelled,ended}'::text[]) name;
select is(pg_temp.address('sold'), null, 'pending: no address');
select tests.move_order(tests.order_id('sold'), 'confirmed');
select is(pg_temp.address('sold')::jsonb, '{"city": "Basra", "line1": "1 Mill Lane", "phone": "123", "country": "IQ", "recipient": "Alice"}',
  'confirmed: the address, without the id under which its customer keeps it');
select tests.move_order(tests.order_id('sold'), 'processing');
select isnt(pg_temp.address('sold'), null, 'processing: the address');
select tests.move_order(tests.order_id('sold'), 'shipped');
select isnt(pg_temp.address('sold'), null, 'shipped: the address');
select tests.move_order(tests.order_id('sold'), 'delivered');
select isnt(pg_temp.address('sold'), null, 'delivered: the address');

select tests.move_order(tests.order_id('rejected'), 'rejected');
select is(pg_temp.address('rejected'), null, 'rejected: no address');
select tests.move_order(tests.order_id('cancelled'), 'confirmed');
select isnt(pg_temp.address('cancelled'), null, 'confirmed, and about to be cancelled: the address');
select tests.move_order(tests.order_id('cancelled'), 'cancelled');
select is(pg_temp.address('cancelled'), null, 'cancelled: no address any more');
select tests.move_order(tests.order_id('ended'), 'processing', 'delivered', 'refunded');
select is(pg_temp.address('ended'), null, 'refunded: no address any more');

select tests.authenticate_as('wendy');
select is((select count(*)::int from addresses) + (select count(*)::int from profiles where id <> tests.get_supabase_uid('wendy')), 0,
  'the owner sees no addresses and no other people by themselves');
select tests.act_as_owner();
select ok((select bool_and(ledger.vendor_may_see_address(s) = (s in ('confirmed', 'processing', 'shipped', 'delivered'))) from unnest(ledger.order_statuses()) s),
  'and there is no other status');

select * from finish();
rollback;
