-- An order on invoice keeps to the credit limit, also when what is due of it comes by an edit.
begin;
select plan(15);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.offer('invoice');
insert into discount_codes (code, kind, fixed_amount, currency) values ('GIFT', 'fixed', 1000, 'USD');
select tests.trust('alice', 3000);
select tests.authenticate_as('alice');
select tests.expect_success(p) from ledger_place_order(tests.lines('mug x 1'), 'invoice', p_discount_code => 'GIFT', p_notes => 'gift') p;
select tests.act_as_owner();
select is((select o.amount_due from tests.order_named('gift') o), 0::bigint, 'an order that costs nothing needs no credit');
create function pg_temp.edit(name text, quantity integer, dry boolean default false) returns text language sql as $$
  select tests.outcome('alice', format('ledger_edit_order(tests.order_id(%L), %L, p_dry_run => %L)', name,
    jsonb_build_array(jsonb_build_object('line_number', 1, 'quantity', quantity)), dry));
$$;
select is(pg_temp.edit('gift', 4), 'success', 'it may be edited to what the limit allows');
select is(pg_temp.edit('gift', 5), 'credit_limit_exceeded', 'and no further');
select is(pg_temp.edit('gift', 5, true), 'credit_limit_exceeded', 'which a dry run tells');
select results_eq(
  $$ select e.error_details from ledger_edit_order(tests.order_id('gift'), '[{"line_number": 1, "quantity": 5}]') e $$,
  $$ values ('{"currency": "USD", "limit": 3000, "debt": 0, "not_invoiced": 0, "due": 4000, "required": 4000, "available": 3000}'::jsonb) $$,
  'staff are told the same, with the numbers');

select tests.expect_success(e) from ledger_edit_order(tests.order_id('gift'), '[{"line_number": 1, "quantity": 3}]') e;
select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 1'), 'invoice') $$), 'success', 'what is due of it uses up the credit');
select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 2'), 'invoice') $$), 'credit_limit_exceeded', 'though it has no invoice');
select is(pg_temp.edit('gift', 4), 'success', 'itself, it counts once');
select tests.expect_success(i) from ledger_issue_invoice(tests.order_id('gift')) i;
select is(tests.debt('alice'), '2000/0', 'invoiced, it is debt');
select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 1'), 'invoice') $$), 'success', 'and still counts once');

-- after its invoice was voided for the edit
select tests.expect_success(v) from ledger_void_invoice((select i.id from invoices i), 'to be edited') v;
select is(pg_temp.edit('gift', 5), 'credit_limit_exceeded', 'nor is it edited beyond the limit when its invoice was voided');
select tests.trust('alice');
select is(pg_temp.edit('gift', 4), 'credit_not_granted', 'without credit nothing more may be owed');
select is(pg_temp.edit('gift', 2), 'success', 'and less may');
select tests.expect_success(c) from tests.change_status('gift', 'cancelled') c;
select tests.trust('alice', 3000);
select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 3'), 'invoice') $$), 'success', 'one that has ended counts no more');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
