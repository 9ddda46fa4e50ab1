begin;
select plan(7);
select tests.create_customer('ann');
select tests.create_customer('bob');
select tests.create_variant('TEA', 100, 428);
select tests.place_named_order('o', 'ann', tests.items('TEA'), 'bank_transfer');
select tests.expect_success(r) from public.ledger_record_payment(tests.order_id('o'), 428, p_reference => 'ORDER-1') r;
select tests.expect_success(r) from public.ledger_record_payment(p_user_id => tests.get_supabase_uid('ann'), p_amount => 500, p_currency => 'USD',
  p_reference => 'IBAN-99', p_notes => 'her own account') r;
create function pg_temp.seen() returns text language sql as $$
  select string_agg(p.reference, ', ' order by p.reference) from public.payments p;
$$;
select tests.create_staff('wes', 'warehouse');
select tests.create_staff('lou', 'logistics');
select tests.create_staff('fay', 'finance');

select tests.authenticate_as('wes');
select is(pg_temp.seen(), 'ORDER-1', 'the warehouse sees what was paid for an order, and nothing that was paid on account');
select tests.authenticate_as('lou');
select is(pg_temp.seen(), 'ORDER-1', 'and so does logistics');
select tests.authenticate_as('fay');
select is(pg_temp.seen(), 'IBAN-99, ORDER-1', 'finance sees both');
select tests.authenticate_as('ann');
select is(pg_temp.seen(), 'IBAN-99, ORDER-1', 'and so does the customer');
select tests.authenticate_as('bob');
select is(pg_temp.seen(), null, 'another customer sees none');
select tests.clear_authentication();
reset role;

-- a role of the shop's own that sees accounts and no orders
delete from public.role_permissions r where r.role = 'finance' and r.permission = 'orders.read';
select tests.authenticate_as('fay');
select is(pg_temp.seen(), 'IBAN-99, ORDER-1', 'who sees accounts sees their payments without orders.read');
select tests.clear_authentication();
reset role;
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
