-- The invoice of an order: what of it was not taken back, and of that what is still due.
begin;
select plan(16);
select tests.create_customer('alice', 300);
select tests.offer('bank_transfer_grace');
select tests.create_variant('mug', price => 1000), tests.create_variant('tea', price => 333, tax_rate_bp => 700);
insert into public.shipping_methods (code, currency, name, price_amount) values ('POST', 'USD', 'Post', 500);

-- a part of it paid by the wallet
select tests.place_named_order('partly', 'alice', tests.lines('mug x 2', 'tea x 3'), 'wallet_partial');
create temp table issued as select i.* from public.ledger_issue_invoice(tests.order_id('partly'), p_reference => 'partly') i;
select results_eq('select success, total_amount, tax_amount, prepaid_amount, amount from issued', $$ values (true, 3069::bigint, 70::bigint, 300::bigint, 2769::bigint) $$,
  'the wallet''s part is prepaid, the rest is claimed');
select results_eq($$ select description, sku, quantity, total_price_amount, tax_amount from public.invoice_lines order by line_number $$,
  $$ values ('Product mug, Variant mug', 'mug', 2::bigint, 2000::bigint, 0::bigint), ('Product tea, Variant tea', 'tea', 3, 999, 70) $$, 'its lines are the order''s');
select is(tests.debt('alice'), '2769/0', 'what is claimed is owed');
select is(tests.booked('alice', 'receivable'), 0::bigint, 'it books nothing: the order does');
select results_eq($$ select e.stream_type, e.stream_id, e.payload -> 'debt_effect' from public.immutable_events e where e.event_type = 'invoice.issued' $$,
  $$ values ('order', tests.order_id('partly'), '{"invoiced": 2769}'::jsonb) $$, 'its event is one of the order');
select is((select error_code from public.ledger_issue_invoice(tests.order_id('partly'))), 'order_invoiced', 'an order has one invoice at a time');
select tests.expect_success(v) from public.ledger_void_invoice(tests.invoice_id('partly')) v;
select is((select invoice_number from public.ledger_issue_invoice(tests.order_id('partly'))), 'INV-000002', 'after that one is void it may have another, with another number');

-- units that were refunded before, and an allowance: with tax beside the prices, and in them
create function pg_temp.invoiced(p_name text, p_includes boolean) returns text language plpgsql as $$
declare
  v_line text;
begin
  update public.settings set value = to_jsonb(p_includes) where key = 'prices_include_tax';
  perform tests.create_customer(p_name || 's', 10000);
  perform tests.place_named_order(p_name, p_name || 's', tests.lines('mug x 2', 'tea x 3'));
  perform tests.move_order(tests.order_id(p_name), 'processing');
  perform tests.expect_success(r) from public.ledger_refund_order(tests.order_id(p_name), '[{"line_number": 2, "quantity": 1, "unshipped": true}]') r;
  perform tests.expect_success(r) from public.ledger_refund_order(tests.order_id(p_name), p_amount => 100, p_reason => 'late') r;
  perform tests.invoice_order(p_name);
  return (select format('%s = %s: %s', i.total_amount, o.total_amount - o.credited_amount,
                        (select string_agg(format('%s x %s-%s+%s', l.sku, l.quantity, l.discount_amount, l.tax_amount), ', ' order by l.line_number)
                         from public.invoice_lines l where l.invoice_id = i.id))
          from public.invoices i join public.orders o on o.id = i.order_id where i.id = tests.invoice_id(p_name));
end $$;
select is(pg_temp.invoiced('beside', false), '2613 = 2613: mug x 2-73+0, tea x 2-25+45', 'units taken back are not on it, and an allowance lowers the lines by their share, with their tax');
select is(tests.claim('beside'), '0/0/0 paid', 'it was paid before, and claims nothing');
select is(pg_temp.invoiced('within', true), '2566 = 2566: mug x 2-75+0, tea x 2-25+41', 'also where prices contain the tax');
select is((select error_code from public.ledger_issue_invoice(tests.order_id('within'))), 'order_invoiced', 'a paid order has one invoice, too');

-- an allowance of everything takes the shipping last
select tests.create_customer('bert', 5000);
create temp table free as
  select (tests.expect_success(o)).order_id as id from public.ledger_place_order(tests.lines('mug x 1'), p_shipping_method => 'POST', p_user_id => tests.get_supabase_uid('bert')) o;
select tests.move_order(id, 'processing') from free;
select tests.expect_success(r) from free, public.ledger_refund_order(id, p_amount => 1200) r;
select results_eq('select i.total_amount, i.prepaid_amount, i.amount from free, public.ledger_issue_invoice(id) i', $$ values (300::bigint, 300::bigint, 0::bigint) $$, 'what is left is on the invoice');
select results_eq($$ select shipping_amount, discount_amount from free join public.invoices i on i.order_id = free.id $$, $$ values (300::bigint, 1000::bigint) $$, 'goods first, then shipping');
select is(tests.debt('bert'), null, 'and nothing is owed');
select is_empty($$ select i.id from public.invoices i where i.order_id is not null and i.status = 'issued' and i.total_amount <>
  (select o.total_amount - o.credited_amount from public.orders o where o.id = i.order_id) $$, 'each agrees with its order');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
