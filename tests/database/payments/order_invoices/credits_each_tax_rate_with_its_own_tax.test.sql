-- A credit note says of each tax rate what it takes back of it, also of an allowance, and of units after one.
begin;
select plan(11);
select tests.create_customer('ann');
select tests.create_variant('TAX', 100, 1000, 'USD', 1900), tests.create_variant('BOOK', 100, 500, 'USD', 700);
create function pg_temp.notes(p_name text) returns setof jsonb language plpgsql as $$
begin
  return query select ledger.document_of(n) -> 'taxes' from public.invoices n where n.order_id = tests.order_id(p_name) and n.kind = 'credit_note' order by n.id;
end $$;
create function pg_temp.left_over(p_name text) returns text language plpgsql as $$
begin
  return (select string_agg(format('%s: %s with tax %s', r.tax_rate_bp, r.gross_amount, r.tax_amount), ', ' order by r.tax_rate_bp)
          from public.invoices i, ledger.left_by_rate(i) r where i.order_id = tests.order_id(p_name) and i.kind = 'invoice');
end $$;

update public.order_status_transitions set needs_payment = false;
-- one rate
select tests.set_setting('prices_include_tax', 'false');
select tests.place_named_order('one', 'ann', tests.items('TAX'), 'bank_transfer');
select tests.move_order(tests.order_id('one'), 'confirmed');
select tests.invoice_order('one'), tests.pay_invoice('one', 1190);
select tests.expect_success(r) from public.ledger_refund_order(tests.order_id('one'), p_amount => 238) r;
select results_eq($$ select * from pg_temp.notes('one') $$, $$ values ('[{"tax_rate_bp": 1900, "net_amount": 200, "tax_amount": 38}]'::jsonb) $$, 'an allowance has the rate of what it is on');
select is(pg_temp.left_over('one'), '1900: 952 with tax 152', 'and leaves the tax of the rest');

-- two rates, taxes contained: an allowance, all units of one, all that is left
select tests.set_setting('prices_include_tax', 'true');
select tests.place_named_order('two', 'ann', tests.lines('TAX x 1', 'BOOK x 2'), 'bank_transfer');
select tests.move_order(tests.order_id('two'), 'confirmed');
select tests.invoice_order('two'), tests.pay_invoice('two', 2000);
select is(pg_temp.left_over('two'), '700: 1000 with tax 65, 1900: 1000 with tax 160', 'as much of one rate as of the other');
select tests.expect_success(r) from public.ledger_refund_order(tests.order_id('two'), p_amount => 400, p_reason => 'stained') r;
select is(pg_temp.left_over('two'), '700: 800 with tax 52, 1900: 800 with tax 128', 'an allowance lowers both alike');
select results_eq($$ select l.description, l.tax_rate_bp, l.total_price_amount, l.tax_amount from public.invoice_lines l join public.invoices n on n.id = l.invoice_id
                     where n.order_id = tests.order_id('two') and n.kind = 'credit_note' order by l.line_number $$,
  format($$ values ('Reduction of order %1$s', 700, 200::bigint, 13::bigint), ('Reduction of order %1$s', 1900, 200, 32) $$, (select order_number from tests.order_named('two'))),
  'by a line for each');
select tests.expect_success(r) from public.ledger_refund_order(tests.order_id('two'), '[{"line_number": 1, "quantity": 1, "unshipped": true}]') r;
select is(pg_temp.left_over('two'), '700: 600 with tax 39, 1900: 0 with tax 0', 'the allowance is on what is left, once the units of a rate are back');
select results_eq($$ select l.description, l.tax_rate_bp, l.total_price_amount from public.invoice_lines l join public.invoices n on n.id = l.invoice_id
                     where n.order_id = tests.order_id('two') and n.kind = 'credit_note' and n.total_amount = 1000 order by l.line_number $$,
  format($$ values ('Reduction of order %1$s', 700, 200::bigint), ('Taken back of order %1$s, after a reduction: 1 x Product TAX, Variant TAX', 1900, 800) $$, (select order_number from tests.order_named('two'))),
  'the note says what the units were worth by then');
select tests.move_order(tests.order_id('two'), 'cancelled');
select is(pg_temp.left_over('two'), '700: 0 with tax 0, 1900: 0 with tax 0', 'nothing is left of any rate when all is taken back');
select is((select sum(n.total_amount) from public.invoices n where n.order_id = tests.order_id('two') and n.kind = 'credit_note'), 2000::numeric, 'the notes credit all of it');

-- an allowance of more than the goods takes the shipping
insert into public.shipping_methods (code, currency, name, price_amount) values ('POST', 'USD', 'Post', 500);
create temp table sent as
  select (tests.expect_success(o)).order_id as id
  from public.ledger_place_order(tests.lines('BOOK x 1'), 'bank_transfer', p_shipping_method => 'POST', p_user_id => tests.get_supabase_uid('ann')) o;
select tests.move_order(id, 'processing') from sent;
select tests.expect_success(i) from sent, public.ledger_issue_invoice(id, p_reference => 'sent') i;
select tests.pay_invoice('sent', 1000);
select tests.expect_success(r) from sent, public.ledger_refund_order(id, p_amount => 800) r;
select results_eq($$ select n.subtotal_amount, n.shipping_amount, n.tax_amount, n.total_amount from sent join public.invoices n on n.order_id = sent.id where n.kind = 'credit_note' $$,
  $$ values (500::bigint, 300::bigint, 26::bigint, 800::bigint) $$, 'an allowance of more than the goods takes the shipping too');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
